import { quote, type Problem } from '../../../grammar/problem.ts';
import { isPlain, mergeValues } from './value-types.ts';

/** Keys of maps and places of lists. */
export type SetPath = readonly (string | number)[];

/** One setting, and where it belongs below `spec.istiod`. */
export interface SetPathValue {
  readonly path: SetPath;
  readonly value: unknown;
}

/** Where a path of Istio's installers leads: `values.…`, `meshConfig.…`, `components.…`, or a bare path of the values. */
function placeOf(path: SetPath): SetPath {
  const [first, ...rest] = path;
  if (first === 'spec') return placeOf(rest);
  if (first === 'values') return rest[0] === 'meshConfig' ? rest : path;
  if (first === 'meshConfig') return path;
  // Istio's operator switches its node agent on as a component; in the values it is the proxy's matter.
  if (path.join('.') === 'components.cni.enabled') return ['values', 'pilot', 'cni', 'enabled'];
  if (path.length === 1 && ['hub', 'tag', 'platform'].includes(String(first))) return ['values', 'global', ...path];
  return ['values', ...path];
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

const syntax = /^((?:\\.|[^.=[\]\\])+(?:\[\d{1,4}\])*)(?:\.(?:\\.|[^.=[\]\\])+(?:\[\d{1,4}\])*)*=/s;

/**
 * One `PATH=VALUE` as Helm's `--set` has it: keys separated by dots (`\.` is a dot of the key), `[0]` a place of a list,
 * `{a,b}` a list; a value may also be JSON. The path may begin with `values.`, `meshConfig.` or `components.`, as with
 * Istio's installers.
 */
export function readSetting(text: string): SetPathValue | Problem {
  const [head] = syntax.exec(text) ?? [];
  if (head === undefined) {
    return { where: '--istio-set', message: `${quote(text)} is not PATH=VALUE, such as values.global.tag=1.28.0` };
  }
  const steps = head.slice(0, -1).matchAll(/\[(\d+)\]|((?:\\.|[^.[\]\\])+)/gs);
  const path = [...steps].map(([, index, key = '']) =>
    index === undefined ? key.replaceAll(/\\(.)/gs, '$1') : Number(index),
  );
  return { path: placeOf(path), value: valueOf(text.slice(head.length)) };
}

/** The settings with one more. Throws a RangeError when its place in a list would leave others before it empty. */
export function applySetting(input: unknown, { path, value }: SetPathValue): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return mergeInputs(input, value);
  if (typeof step === 'string') {
    const map = isPlain(input) ? input : {};
    return { ...map, [step]: applySetting(Object.hasOwn(map, step) ? map[step] : undefined, { path: rest, value }) };
  }
  const list: readonly unknown[] = Array.isArray(input) ? input : [];
  if (step > list.length) throw new RangeError(`[${step}] leaves places empty: the list has ${list.length} so far`);
  return list.toSpliced(step, 1, applySetting(list[step], { path: rest, value }));
}

/** The second on top of the first; null stays, because it takes a default away. */
export function mergeInputs(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isPlain(base) || !isPlain(over)) return over;
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
