import { stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import { mergeNamed, strategicMerge } from '../../json/strategic-merge.ts';
import type { TemplatePod } from './template-pod.ts';

/**
 * Moves containers of the template to the init containers if an earlier template has them there, as native sidecars.
 */
function inPlace(template: TemplatePod, before: TemplatePod): TemplatePod {
  const names = new Set(before.initContainers.map(({ name }) => name));
  const misplaced = template.containers.filter(({ name }) => names.has(name));
  if (misplaced.length === 0) return template;
  return {
    ...template,
    containers: template.containers.filter(({ name }) => !names.has(name)),
    initContainers: [...template.initContainers, ...misplaced],
  };
}

function secretsOf(secretNames: readonly string[]): JsonObject[] {
  return secretNames.map((name) => ({ name }));
}

/** Merges a template on top of another, list by list, as templates are merged onto a pod. */
export function mergeTemplates(before: TemplatePod, later: TemplatePod): TemplatePod {
  const template = inPlace(later, before);
  const security = template.securityContext;
  return {
    labels: { ...before.labels, ...template.labels },
    annotations: { ...before.annotations, ...template.annotations },
    initContainers: mergeNamed(before.initContainers, template.initContainers, 'containers') as NamedObject[],
    containers: mergeNamed(before.containers, template.containers, 'containers') as NamedObject[],
    volumes: mergeNamed(before.volumes, template.volumes, 'volumes') as NamedObject[],
    imagePullSecrets: mergeNamed(
      secretsOf(before.imagePullSecrets),
      secretsOf(template.imagePullSecrets),
      'imagePullSecrets',
    ).map((secret) => stringMember(secret, 'name') ?? ''),
    ...(security === undefined && before.securityContext === undefined
      ? {}
      : { securityContext: strategicMerge(before.securityContext ?? {}, security ?? {}) }),
  };
}
