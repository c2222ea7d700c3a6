import { objectMember, objectsMember, stringMember, type JsonObject } from '../../src/json/json.ts';
import { statusAnnotation } from '../../src/pod/conventions.ts';

/** What the demo learned from the webhook's answer. */
export interface Answered {
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly decision: string;
  readonly reasons: string;
  readonly why: string;
  readonly warnings: readonly string[];
  readonly operations: number;
  readonly patchBytes: number;
  readonly firstMs: number;
  readonly laterMs: number;
}

function resources(container: JsonObject): string {
  const text = (list: string): string => {
    const values = objectMember(objectMember(container, 'resources'), list);
    return `${stringMember(values, 'cpu') ?? '-'} CPU, ${stringMember(values, 'memory') ?? '-'}`;
  };
  return `requests ${text('requests')}; limits ${text('limits')}`;
}

function ports(container: JsonObject): string {
  const names = objectsMember(container, 'ports').map((port) => JSON.stringify(port['containerPort']));
  return names.length === 0 ? '' : `, port ${names.join(', ')}`;
}

function role(container: JsonObject, list: string): string {
  if (list === 'containers') return 'container';
  return stringMember(container, 'restartPolicy') === 'Always' ? 'native sidecar' : 'init container';
}

function addedContainers({ before, after }: Answered): string[] {
  return ['initContainers', 'containers'].flatMap((list) => {
    const known = new Set(objectsMember(objectMember(before, 'spec'), list).map((container) => container['name']));
    return objectsMember(objectMember(after, 'spec'), list)
      .filter((container) => !known.has(container['name']))
      .flatMap((container) => [
        `  ${role(container, list)} ${stringMember(container, 'name') ?? ''}, image ${stringMember(container, 'image') ?? ''}${ports(container)}`,
        `    ${resources(container)}`,
      ]);
  });
}

function changedProbes({ before, after }: Answered): string[] {
  return objectsMember(objectMember(before, 'spec'), 'containers').flatMap((container) => {
    const name = stringMember(container, 'name');
    const now = objectsMember(objectMember(after, 'spec'), 'containers').find((entry) => entry['name'] === name);
    return ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((probe) => {
      const from = JSON.stringify(objectMember(container, probe));
      const to = objectMember(now, probe);
      if (from === undefined || from === JSON.stringify(to)) return [];
      const http = objectMember(to, 'httpGet');
      return [
        `  ${name} ${probe} now asks the proxy: port ${JSON.stringify(http?.['port'])}, ${stringMember(http, 'path')}`,
      ];
    });
  });
}

function addedVolumes({ before, after }: Answered): string {
  const names = (pod: JsonObject) =>
    objectsMember(objectMember(pod, 'spec'), 'volumes').map((volume) => stringMember(volume, 'name') ?? '');
  const known = names(before);
  return names(after)
    .filter((name) => !known.includes(name))
    .join(', ');
}

function addedTexts({ before, after }: Answered, member: 'labels' | 'annotations'): (readonly [string, string])[] {
  const texts = (pod: JsonObject) => objectMember(objectMember(pod, 'metadata'), member) ?? {};
  const known = texts(before);
  return Object.keys(texts(after))
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => [name, stringMember(texts(after), name) ?? '']);
}

function addedAnnotations(answered: Answered): string[] {
  return addedTexts(answered, 'annotations').map(([name, value]) =>
    name === statusAnnotation
      ? `  annotation ${name}, ${value.length} characters (how to undo it, for \`uninject\`)`
      : `  annotation ${name}: ${value}`,
  );
}

/** The whole report for a person, as lines. */
export function describeAnswer(answered: Answered): string[] {
  return [
    `Decision: ${answered.decision} (${answered.reasons}): ${answered.why}`,
    '',
    'Added to the pod:',
    ...addedContainers(answered),
    `  volumes ${addedVolumes(answered)}`,
    ...addedTexts(answered, 'labels').map(([name, value]) => `  label ${name}: ${value}`),
    ...addedAnnotations(answered),
    ...changedProbes(answered),
    '',
    `Warnings: ${answered.warnings.length === 0 ? 'none' : ''}`,
    ...answered.warnings.map((warning) => `  ${warning}`),
    `Patch: ${answered.operations} operations, ${answered.patchBytes} bytes`,
    `Time: ${answered.firstMs.toFixed(1)} ms for the first review, ${answered.laterMs.toFixed(2)} ms for each of the next 100, TLS and HTTP included`,
  ];
}
