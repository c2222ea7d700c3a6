import { readIstioFiles } from '../istio-files.ts';
import { mergeInputs } from '../../settings/schema/istio/set-path.ts';
import type { Problem } from '../../grammar/problem.ts';
import { apiVersion } from '../../settings/schema/object.ts';
import type { EngineOptions } from '../options.ts';

/** What options of the command line change in a settings object. */
export type Amend = (settings: unknown) => unknown;

/** Reads the options that stand for settings; without any the settings stay as they are. */
export async function readAmendment(
  options: EngineOptions,
): Promise<{ readonly amend: Amend } | { readonly problems: readonly Problem[] }> {
  const { istioValues = [], istioMeshConfig = [], istioSet = [], nativeSidecars } = options;
  const spec: { [key: string]: unknown } = {};
  if (istioValues.length + istioMeshConfig.length + istioSet.length > 0) {
    const read = await readIstioFiles({ values: istioValues, meshConfig: istioMeshConfig, set: istioSet });
    if ('problems' in read) return read;
    spec['mode'] = 'istiod';
    spec['istiod'] = read.input;
  }
  if (nativeSidecars !== undefined) {
    spec['injection'] = { nativeSidecars: nativeSidecars === 'true' ? 'always' : 'never' };
  }
  if (Object.keys(spec).length === 0) return { amend: (settings) => settings };
  const empty = { apiVersion, kind: 'InjectorConfiguration' };
  return { amend: (settings) => mergeInputs(settings ?? empty, { spec }) };
}
