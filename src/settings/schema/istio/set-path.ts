import { parseJson } from '../../../json/json.ts';
import { quote, type Problem } from '../../../grammar/problem.ts';
import { isPlain, mergeValues } from './value-types.ts';

/** Keys of maps and indexes of lists. */
export type SetPath = readonly (string | number)[];

/** A value and its path below `spec.istiod`. */
export interface SetPathValue {
  readonly path: SetPath;
  readonly value: unknown;
}

/** Resolves a path of Istio's installers: `values.…`, `meshConfig.…`, `components.…`, or a path in the values. */
function placeOf(path: SetPath): SetPath {
  const [first, ...rest] = path;
  if (first === 'spec') return placeOf(rest);
  if (first === 'values') return rest[0] === 'meshConfig' ? rest : path;
  if (first === 'meshConfig') return path;
  // The operator enables the node agent as a component; in the values the setting belongs to the proxy.
  if (path.join('.') === 'components.cni.enabled') return ['values', 'pilot', 'cni', 'enabled'];
  if (path.length === 1 && ['hub', 'tag', 'platform'].includes(String(first))) return ['values', 'global', ...path];
  return ['values', ...path];
}

/** Parses a word as Helm does: a boolean, null, an integer, or else a string. */
function scalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^-?(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function valueOf(text: string): unknown {
  if (text === '{}' || /^(?:\{\s*"|\[)/.test(text)) return parseJson(text) ?? text;
  const list = /^\{(.*)\}$/s.exec(text)?.[1];
  return list === undefined ? scalar(text) : list.split(',').map((item) => scalar(item.trim()));
}

const syntax = /^((?:\\.|[^.=[\]\\])+(?:\[\d{1,4}\])*)(?:\.(?:\\.|[^.=[\]\\])+(?:\[\d{1,4}\])*)*=/s;

/**
 * Parses `PATH=VALUE` as Helm's `--set` does: keys are separated by dots (`\.` is a dot in a key), `[0]` is a list index,
 * and `{a,b}` is a list. A value may also be JSON. The path may start with `values.`, `meshConfig.` or `components.`, as
 * with Istio's installers.
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

/** Returns the settings with one more value. Throws a RangeError if a list index would leave a gap. */
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

/** Merges the second into the first. A null is kept, because it removes a default. */
export function mergeInputs(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isPlain(base) || !isPlain(over)) return over;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) merged.set(key, mergeInputs(merged.get(key), value));
  return Object.fromEntries(merged);
}

/** Moves mesh configuration out of the values, where Istio's chart accepts it too. */
export function separateMeshConfig(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const { values, meshConfig, ...rest } = input as { values?: unknown; meshConfig?: unknown };
  if (typeof values !== 'object' || values === null || !('meshConfig' in values)) return input;
  const { meshConfig: inner, ...others } = values as { meshConfig?: unknown };
  return { ...rest, values: others, meshConfig: mergeValues(inner ?? {}, meshConfig) };
}
