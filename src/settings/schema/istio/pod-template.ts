import * as z from 'zod';
import { didYouMean } from '../../../grammar/suggestion.ts';
import { wordsOf } from '../../../grammar/words.ts';
import { yamlMap } from '../../../grammar/yaml-grammar.ts';
import type { JsonObject } from '../../../json/json.ts';
import { patchProblems } from '../../../json/merge-directives.ts';

/** Members of a pod's spec that a template may set (k8s.io/api core/v1 `PodSpec`). */
const specMembers = wordsOf(`
  activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks
  hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName
  nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources
  restartPolicy runtimeClassName schedulerName schedulingGates securityContext serviceAccount serviceAccountName
  setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations
  topologySpreadConstraints volumes
`);

/** Members of the spec by which a pod gets more rights than its author asked for. */
const rights: ReadonlySet<string> = new Set(
  wordsOf(`
    automountServiceAccountToken hostIPC hostNetwork hostPID hostUsers serviceAccount serviceAccountName
    shareProcessNamespace
  `),
);

/** Directives that name one of the spec's lists. */
const ofList = /^\$(?:setElementOrder|deleteFromPrimitiveList)\//;

/** Keys are labels or annotations, or a directive. Null takes a key out. */
const texts = z.record(z.string(), z.union([z.string(), z.null(), z.array(z.string())])).superRefine((map, context) => {
  for (const [key, value] of Object.entries(map)) {
    if (Array.isArray(value) && !key.startsWith('$'))
      context.addIssue({ code: 'custom', path: [key], message: 'must be a string' });
  }
});

const namedObjects = z.array(z.looseObject({})).optional();

const spec = z
  .looseObject({
    containers: namedObjects,
    initContainers: namedObjects,
    volumes: namedObjects,
    imagePullSecrets: namedObjects,
  })
  .superRefine((value, context) => {
    for (const key of Object.keys(value)) {
      if (specMembers.includes(key) || ofList.test(key)) continue;
      const hint = didYouMean(key, specMembers) || `; allowed: ${specMembers.join(', ')}`;
      context.addIssue({ code: 'custom', path: [key], message: `unknown key${hint}` });
    }
  });

/** The kind that stands for a text template. Only a pod that selects it is refused. */
const notRun = 'TextTemplate';

/** Returns what stands in the settings for a text template (`{{`) that no pod gets without selecting it, else the value. */
export function withoutText(template: unknown): unknown {
  return typeof template === 'string' && template.includes('{{') ? { kind: notRun } : template;
}

/** Returns whether the template is a text template, which is not run. */
export function isTextTemplate(template: JsonObject | undefined): boolean {
  return template?.['kind'] === notRun;
}

const plainTemplate = z
  .strictObject(
    {
      apiVersion: z.literal('v1').optional(),
      kind: z.enum(['Pod', notRun]).optional(),
      metadata: z.strictObject({ labels: texts.optional(), annotations: texts.optional() }).optional(),
      spec: spec.optional(),
    },
    'is not a plain piece of a pod; text templates with {{ are not run, write a SidecarTemplate',
  )
  .superRefine((value, context) => {
    for (const { path, message } of patchProblems(value as JsonObject)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  })
  .transform(
    ({ kind, metadata, spec: members }) =>
      ({ metadata: metadata ?? {}, spec: members ?? {}, ...(kind === notRun ? { kind } : {}) }) as JsonObject,
  );

/**
 * A template of the values: a plain part of a pod, which is laid over pods as a strategic merge patch. Unlike Istio's, it
 * is not a text template.
 */
export const podTemplate = z.preprocess((input) => {
  const parsed = typeof input === 'string' ? yamlMap.parse(input) : undefined;
  return parsed === undefined || 'problem' in parsed ? input : parsed.value;
}, plainTemplate);

/** Returns the members of the template's spec by which pods get more rights. */
export function rightsOf(template: z.output<typeof podTemplate>): string[] {
  const { spec: members } = template as { readonly spec: JsonObject };
  return Object.keys(members).filter((key) => rights.has(key));
}
