import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { undo, type JsonObject } from '../../src/index.ts';
import { applyToValue } from '../../src/json/apply.ts';
import { ask, postReview } from '../support/http/https-client.ts';
import { operationsOf, patchedPod, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';

/*
 * While settings reach one replica after the other, the API server asks now this one and now that one, and both for one pod:
 * when another webhook has changed it, ours is called again.
 */

let folder: string;
let replicas: readonly [ServedProgram, ServedProgram];

async function serveWith(name: string, spec: object): Promise<ServedProgram> {
  const file = path.join(folder, `${name}.yaml`);
  const kind = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };
  await writeFile(file, JSON.stringify({ ...kind, spec }));
  return startServing({ folder, arguments: [`--settings=${file}`] });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'differing-'));
  replicas = await Promise.all([
    serveWith('older', {}),
    serveWith('newer', { injection: { nativeSidecars: 'never' }, proxy: { resources: { requests: { cpu: '7m' } } } }),
  ]);
});
afterAll(async () => {
  for (const replica of replicas) await replica.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

const probed = { readinessProbe: { httpGet: { path: '/ready', port: 8080 } }, ports: [{ containerPort: 8080 }] };
const pods: readonly (readonly [string, JsonObject])[] = [
  ['a plain pod', podOf()],
  ['with a probe', podOf({}, { containers: [{ name: 'app', image: 'registry.example/app:1', ...probed }] })],
  [
    'with an init container',
    podOf({}, { initContainers: [{ name: 'first', image: 'a:1' }], volumes: [{ name: 'v', emptyDir: {} }] }),
  ],
];

const hashOf = async (replica: ServedProgram): Promise<string> => {
  const { text } = await ask(replica, { method: 'GET', path: '/replica' });
  return (JSON.parse(text) as { readonly settingsHash: string }).settingsHash;
};

describe.each(pods)('%s', (_what, pod) => {
  test.each([
    ['older', 'newer', 0, 1],
    ['newer', 'older', 1, 0],
  ] as const)(
    'that the %s replica injects names its settings, and the %s one leaves it as it is',
    async (_, __, by, then) => {
      const first = responseOf(await postReview(replicas[by], reviewOf(pod)));
      const injected = patchedPod(pod, first) as unknown as JsonObject;
      const status = JSON.parse(
        (injected['metadata'] as { annotations: Record<string, string> }).annotations['sidecar.istio.io/status'] ?? '',
      ) as { readonly settingsHash: string };
      expect(status.settingsHash).toBe(await hashOf(replicas[by]));
      const again = responseOf(await postReview(replicas[then], reviewOf(injected)));
      expect([again.allowed, operationsOf(again)]).toEqual([true, []]);
      expect(again.auditAnnotations['reasons']).toContain('OtherSettings');
      expect(applyToValue(injected, undo(injected)?.operations ?? [])).toEqual(pod);
    },
  );
});

test('they do differ', async () => {
  const [older, newer] = await Promise.all(replicas.map(hashOf));
  expect(older).not.toBe(newer);
});
