import { readFile } from 'node:fs/promises';
import { applySetting, mergeInputs, readSetting } from '../../settings/schema/istio/set-path.ts';
import { isPlain } from '../../settings/schema/istio/value-types.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { parseYaml } from '../../grammar/yaml/document.ts';
import { readValue } from '../../grammar/yaml/value.ts';

/** Istio's own settings, as files and as single paths. Later ones override earlier ones. */
export interface IstioFiles {
  readonly values: readonly string[];
  readonly meshConfig: readonly string[];
  /** `PATH=VALUE` texts. */
  readonly set: readonly string[];
}

type Plain = Readonly<Record<string, unknown>>;

function parse(text: string): unknown {
  const read = readValue(parseYaml(text));
  if ('message' in read) throw new Error(read.message);
  return read.value;
}

/** Settings of an IstioOperator object: its values, and its other fields that have a counterpart in the values. */
function operatorInput(spec: Plain): unknown {
  const { values, meshConfig, components, hub, tag, revision } = spec;
  const cni = isPlain(components) && isPlain(components['cni']) ? components['cni']['enabled'] : undefined;
  const global = { ...(hub === undefined ? {} : { hub }), ...(tag === undefined ? {} : { tag }) };
  const own = {
    ...(Object.keys(global).length === 0 ? {} : { global }),
    ...(revision === undefined ? {} : { revision }),
    ...(cni === undefined ? {} : { pilot: { cni: { enabled: cni } } }),
  };
  return { values: mergeInputs(own, values), ...(meshConfig === undefined ? {} : { meshConfig }) };
}

/**
 * Reads the content of a file: plain settings, an IstioOperator, or the ConfigMap in which a running Istio keeps them.
 */
function inputOf(content: unknown, kind: 'values' | 'meshConfig'): unknown {
  if (!isPlain(content)) throw new Error('is not a map');
  if (content['kind'] === 'IstioOperator' && isPlain(content['spec'])) return operatorInput(content['spec']);
  if (content['kind'] !== 'ConfigMap') return { [kind]: content };
  const key = kind === 'values' ? 'values' : 'mesh';
  const text = isPlain(content['data']) ? content['data'][key] : undefined;
  if (typeof text !== 'string') throw new Error(`is a ConfigMap without data.${key}`);
  return { [kind]: parse(text) };
}

/** Reads and merges all files and paths into an object for `spec.istiod` of the settings, or returns every problem. */
export async function readIstioFiles(
  files: IstioFiles,
): Promise<{ readonly input: unknown } | { readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  let input: unknown = {};
  for (const kind of ['values', 'meshConfig'] as const) {
    for (const file of files[kind]) {
      try {
        input = mergeInputs(input, inputOf(parse(await readFile(file, 'utf8')), kind));
      } catch (error) {
        problems.push({ where: file, message: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  for (const text of files.set) {
    const setting = readSetting(text);
    if ('where' in setting) {
      problems.push(setting);
      continue;
    }
    try {
      input = applySetting(input, setting);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ where: '--istio-set', message: `${quote(text)}: ${error.message}` });
    }
  }
  return problems.length > 0 ? { problems } : { input };
}
