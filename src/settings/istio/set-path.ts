import { quote, type Problem } from '../problem.ts';
import { mergeValues } from './value-types.ts';

/** Istio's settings as the user gives them, to be laid over those of the settings file. */
export interface IstioInput {
  readonly values: unknown;
  readonly meshConfig: unknown;
}

/** Where a path of Istio's installers leads: `values.…`, `meshConfig.…`, `components.…`, or a bare path of the values. */
function placeOf(path: readonly string[]): readonly string[] {
  const [first = '', ...rest] = path;
  if (first === 'spec') return placeOf(rest);
  if (first === 'values') return rest[0] === 'meshConfig' ? rest : ['values', ...rest];
  if (first === 'meshConfig') return path;
  // Istio's operator switches its node agent on as a component; in the values it is the proxy's matter.
  if (path.join('.') === 'components.cni.enabled') return ['values', 'pilot', 'cni', 'enabled'];
  if (path.length === 1 && ['hub', 'tag', 'platform'].includes(first)) return ['values', 'global', first];
  return ['values', ...path];
}

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

/** Helm's reading of one word: a truth value, null, a whole number, else text. */
function scalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^-?(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function valueOf(text: string): unknown {
  if (text === '{}' || /^(?:\{\s*"|\[)/.test(text)) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  const list = /^\{(.*)\}$/s.exec(text)?.[1];
  return list === undefined ? scalar(text) : list.split(',').map((item) => scalar(item.trim()));
}

/**
 * One `PATH=VALUE` as Helm's `--set` has it: keys separated by dots (`\.` is a dot of the key), `{a,b}` a list; a value
 * may also be JSON. The path may begin with `values.`, `meshConfig.` or `components.`, as with Istio's installers.
 */
export function readSetting(text: string): IstioInput | Problem {
  const at = text.indexOf('=');
  const path =
    at < 0 ? [] : (text.slice(0, at).match(/(?:\\.|[^.\\])+/g) ?? []).map((key) => key.replaceAll(/\\(.)/g, '$1'));
  if (path.length === 0 || !/^[^.=]+(?:\.[^.=]+)*=/.test(text)) {
    return { where: '--istio-set', message: `${quote(text)} is not PATH=VALUE, such as values.global.tag=1.28.0` };
  }
  return nested(placeOf(path), valueOf(text.slice(at + 1))) as IstioInput;
}

/** The second on top of the first; null stays, because it takes a default away. */
export function mergeInputs(base: unknown, over: unknown): unknown {
  const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (over === undefined) return base;
  if (!isMap(base) || !isMap(over)) return over;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) merged.set(key, mergeInputs(merged.get(key), value));
  return Object.fromEntries(merged);
}

/** Mesh configuration inside the values, as Istio's chart takes it too, moves to its own place. */
export function separateMeshConfig(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const { values, meshConfig, ...rest } = input as { values?: unknown; meshConfig?: unknown };
  if (typeof values !== 'object' || values === null || !('meshConfig' in values)) return input;
  const { meshConfig: inner, ...others } = values as { meshConfig?: unknown };
  return { ...rest, values: others, meshConfig: mergeValues(inner ?? {}, meshConfig) };
}
