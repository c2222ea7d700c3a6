import { createInjector } from '../../../src/injection/injector.ts';
import { expect, test } from '@jest/globals';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import type { ConfigurationReloader } from '../../../src/runtime/configuration-reloader.ts';
import { watchNamespaces } from '../../../src/runtime/namespace-facts.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';

const items = [{ metadata: { name: 'demo', annotations: { 'openshift.io/sa.scc.uid-range': '1000/10', other: 'x' } } }];

function standalone(): Snapshot {
  const result = createSnapshot();
  if ('problems' in result) throw new Error('the built-in settings are bad');
  return result.snapshot;
}

async function lookOnce(snapshot: Snapshot): Promise<{ asked: number; told: Snapshot['namespaces'] | undefined }> {
  let asked = 0;
  let told: Snapshot['namespaces'] | undefined;
  const client = {
    get: async () => {
      asked += 1;
      return { body: { items } };
    },
  } as unknown as ApiClient;
  const keeper = {
    injector: () => createInjector(snapshot),
    useNamespaces: (namespaces: Snapshot['namespaces']) => {
      told = namespaces;
    },
  } as unknown as ConfigurationReloader;
  const watching = watchNamespaces(client, keeper, createLog('silent', { write: () => undefined }));
  await new Promise((resolve) => setImmediate(resolve));
  watching.stop();
  return { asked, told };
}

test('on OpenShift the namespaces are read and their ids kept', async () => {
  const { told } = await lookOnce(istiodSnapshot({ global: { platform: 'openshift' } }));
  expect(told?.get('demo')).toEqual({ 'openshift.io/sa.scc.uid-range': '1000/10' });
});

test.each([
  ['mode standalone', standalone()],
  ['elsewhere', istiodSnapshot()],
])('%s: nothing is read, so no right is needed', async (_title, snapshot) => {
  expect(await lookOnce(snapshot)).toEqual({ asked: 0, told: undefined });
});
