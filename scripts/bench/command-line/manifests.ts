import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { isObject, objectMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { manyVariables, smallPod, typicalPod } from '../pods.ts';

/** What an API server adds is in no manifest of a user. */
const ofTheCluster = new Set(
  `generateName namespace ownerReferences pod-template-hash serviceAccount schedulerName terminationMessagePath
  terminationMessagePolicy priority preemptionPolicy enableServiceLinks tolerations dnsPolicy`.split(/\s+/),
);

function isToken(value: unknown): boolean {
  return isObject(value) && stringMember(value, 'name')?.startsWith('kube-api-access-') === true;
}

function asWritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isToken(item)).map(asWritten);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([key]) => !ofTheCluster.has(key));
  return Object.fromEntries(members.map(([key, inner]) => [key, asWritten(inner)]));
}

const kinds = ['Deployment', 'Deployment', 'Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'] as const;

function workloadOf(name: string, serial: number): JsonObject {
  const pods = [smallPod, typicalPod, smallPod, (of: string) => manyVariables(of, 5 + (serial % 7) * 5)];
  const pod = asWritten(pods[serial % pods.length]?.(name)) as JsonObject;
  const template = { metadata: pod['metadata'], spec: pod['spec'] };
  const kind = kinds[serial % kinds.length] ?? 'Deployment';
  const metadata = { name, namespace: 'shop', labels: objectMember(objectMember(pod, 'metadata'), 'labels') };
  if (kind === 'CronJob') {
    const job = { template: { ...template, spec: { ...objectMember(pod, 'spec'), restartPolicy: 'OnFailure' } } };
    return { apiVersion: 'batch/v1', kind, metadata, spec: { schedule: '*/5 * * * *', jobTemplate: { spec: job } } };
  }
  const spec = { replicas: 1 + (serial % 4), selector: { matchLabels: { app: name } }, template };
  return { apiVersion: 'apps/v1', kind, metadata, spec };
}

function serviceOf(name: string): JsonObject {
  const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports } };
}

/** People's comments and layouts: each file has one of several. */
function written(object: JsonObject, serial: number): string {
  const text = stringify(object, {
    indentSeq: serial % 2 === 0,
    singleQuote: serial % 3 === 0,
    indent: serial % 5 === 0 ? 4 : 2,
    lineWidth: 0,
    aliasDuplicateObjects: serial % 10 === 0,
  });
  if (serial % 4 === 0) return text;
  return text
    .replace(/^( *)replicas: .*$/m, '$1# by load, see the dashboard\n$&  # at least')
    .replace(/^ *- name: .*$/m, '$&  # see the wiki')
    .replace(/^spec:$/m, '\n# -- what runs --\nspec:');
}

/** Writes so many files into the folder, each a workload of another shape, most with a Service; and says their length. */
export async function writeManifests(folder: string, count: number): Promise<{ readonly bytes: number }> {
  await mkdir(folder, { recursive: true });
  let bytes = 0;
  for (let serial = 0; serial < count; serial++) {
    const name = `checkout-${serial}`;
    const workload = written(workloadOf(name, serial), serial);
    const text = serial % 3 === 0 ? workload : `${workload}---\n${stringify(serviceOf(name))}`;
    bytes += Buffer.byteLength(text);
    await writeFile(path.join(folder, `${name}.yaml`), text);
  }
  return { bytes };
}
