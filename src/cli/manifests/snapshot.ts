import { describeProblem, type Problem } from '../../grammar/problem.ts';
import type { Snapshot } from '../../index.ts';
import { describeFileProblem, loadConfiguration } from '../../runtime/configuration.ts';
import { mergeInputs } from '../../settings/schema/istio/set-path.ts';
import { apiVersion } from '../../settings/schema/object.ts';
import { exitCodes, type Failure } from '../io.ts';
import type { EngineOptions } from '../options.ts';
import { readIstioFiles } from './istio-files.ts';

/** Changes a settings object as options of the command line demand. */
type Amend = (settings: unknown) => unknown;

/** Reads the options that override settings. Without any, the settings stay as they are. */
async function readAmendment(
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

/** Loads the snapshot that a server with the same settings and sidecar templates would use. */
export async function loadSnapshot(options: EngineOptions): Promise<{ readonly snapshot: Snapshot } | Failure> {
  const { settings, sidecars } = options;
  const meshRoots = options.meshRoots === undefined ? undefined : { file: options.meshRoots, mayBeMissing: false };
  const remedy = 'correct the settings or sidecar templates and run the command again';
  const amendment = await readAmendment(options);
  if ('problems' in amendment) {
    return { problems: amendment.problems.map(describeProblem), remedy, code: exitCodes.failed };
  }
  const loaded = await loadConfiguration({ settings, sidecars, meshRoots }, {}, amendment.amend);
  if ('snapshot' in loaded) return loaded;
  return { problems: loaded.problems.map(describeFileProblem), remedy, code: exitCodes.failed };
}
