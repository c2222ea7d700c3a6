import { denialsOfEveryPod } from '../injection/every-pod.ts';
import { withCode } from '../injection/policy/reason.ts';
import { describeProblem, quote } from '../grammar/problem.ts';
import { createSnapshot, type Json, type Snapshot } from '../index.ts';
import { isObject, stringMember } from '../json/json.ts';
import { readManifests } from '../manifests/manifest.ts';

const kinds = ['InjectorConfiguration', 'SidecarTemplate'] as const;

/** Returns the documents of each kind, or what keeps them from being read. */
function readDocuments(
  text: string,
): { readonly settings: readonly Json[]; readonly templates: readonly Json[] } | { readonly problems: string[] } {
  const found = { InjectorConfiguration: [] as Json[], SidecarTemplate: [] as Json[] };
  const problems: string[] = [];
  for (const manifest of readManifests({ name: 'settings', text })) {
    if ('message' in manifest) {
      problems.push(describeProblem(manifest));
      continue;
    }
    if (manifest.content.format === 'empty') continue;
    const { value } = manifest.content;
    const written = isObject(value) ? stringMember(value, 'kind') : undefined;
    const kind = kinds.find((one) => one === written);
    if (kind !== undefined) found[kind].push(value);
    else {
      const where = `settings:${manifest.line}: kind`;
      problems.push(`${where}: ${quote(written ?? '')} is not allowed; allowed: ${kinds.join(', ')}`);
    }
  }
  if (found.InjectorConfiguration.length > 1) problems.push('settings: the InjectorConfiguration is there twice');
  return problems.length > 0
    ? { problems }
    : { settings: found.InjectorConfiguration, templates: found.SidecarTemplate };
}

/** Builds the snapshot that a server with these settings and sidecar templates would use, or says why there is none. */
export function readSnapshot(text: string): { readonly snapshot: Snapshot } | { readonly problems: readonly string[] } {
  const read = readDocuments(text);
  if ('problems' in read) return read;
  const result = createSnapshot({ settings: read.settings[0], templates: read.templates });
  if ('problems' in result)
    return { problems: result.problems.map((problem) => `settings: ${describeProblem(problem)}`) };
  const denials = denialsOfEveryPod(result.snapshot);
  const everyPod = 'settings: every pod that does not choose its sidecars would be denied';
  return denials.length === 0 ? result : { problems: denials.map((denial) => `${everyPod}: ${withCode(denial)}`) };
}
