import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { objectsMember, stringMember } from '../../src/json/json.ts';
import { ask, postReview, type Answer } from '../support/http/https-client.ts';
import { istiodSnapshot } from '../support/processes/istiod.ts';
import { patchedPod, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook({ snapshot: istiodSnapshot({ global: { network: 'of-the-values' } }) });
});
afterAll(() => webhook.close());

/** Pods of one controller, whose decisions are remembered. */
const pod = podOf({ name: undefined, generateName: 'web-', labels: { 'sidecar.istio.io/inject': 'true' } });

async function post(path: string): Promise<Answer> {
  return postReview(webhook, reviewOf(pod), { path });
}

/** The variables of the proxy from ISTIO_META_CLUSTER_ID on that the address may change, and the network's label. */
async function injectedAt(path: string): Promise<object> {
  const after = patchedPod(pod, responseOf(await post(path)));
  const proxy = after.spec.initContainers.find(({ name }) => name === 'istio-proxy');
  const env = objectsMember(proxy, 'env').map((one) => [stringMember(one, 'name'), stringMember(one, 'value')]);
  const names = new Set(['ISTIO_META_CLUSTER_ID', 'ISTIO_META_NETWORK', 'EXTRA', 'PILOT_CERT_PROVIDER']);
  return {
    env: env.filter(([name]) => names.has(name ?? '')),
    network: after.metadata.labels?.['topology.istio.io/network'],
  };
}

describe('beside an istiod, each call reads the address on which it came', () => {
  const plain = [
    ['PILOT_CERT_PROVIDER', 'istiod'],
    ['ISTIO_META_CLUSTER_ID', 'Kubernetes'],
    ['ISTIO_META_NETWORK', 'of-the-values'],
  ];
  const west = [
    ['PILOT_CERT_PROVIDER', 'istiod'],
    ['EXTRA', 'a/b'],
    ['ISTIO_META_CLUSTER_ID', 'west'],
    ['ISTIO_META_NETWORK', 'n1'],
  ];

  test('pods of one controller, one after the other', async () => {
    for (let turn = 0; turn < 3; turn++) {
      expect(await injectedAt('/inject')).toEqual({ env: plain, network: 'of-the-values' });
      expect(await injectedAt('/inject/')).toEqual({ env: plain, network: 'of-the-values' });
      for (const path of [
        '/inject/cluster/west/net/n1/extra/a--slash--b',
        '/inject/cluster/west/net/n1/extra/a--slash--b?timeout=10s',
        '/inject/:ENV:net=n1:ENV:extra=a/b:ENV:cluster=west',
      ]) {
        expect(await injectedAt(path)).toEqual({ env: west, network: 'n1' });
      }
    }
  });

  test('a variable of Istio’s own gives way', async () => {
    expect(await injectedAt('/inject/pilot_cert_provider/kubernetes')).toMatchObject({
      env: [
        ['ISTIO_META_CLUSTER_ID', 'Kubernetes'],
        ['ISTIO_META_NETWORK', 'of-the-values'],
        ['PILOT_CERT_PROVIDER', 'kubernetes'],
      ],
    });
  });

  test.each([
    ['/inject/cluster', '"cluster" has no value'],
    ['/inject/net/-', 'a value of a label'],
    ['/inject/%2e%2e/x', '".." is not a name'],
    ['/inject/a/1/a/2', 'there twice'],
  ])('%s is answered 400 with the reason', async (path, problem) => {
    const { status, text } = await post(path);
    expect([status, text]).toEqual([400, expect.stringContaining(problem)]);
  });

  test('only POST is allowed there, and nothing beside it is served', async () => {
    const { status, headers } = await ask(webhook, { path: '/inject/cluster/west' });
    expect([status, headers.allow]).toEqual([405, 'POST']);
    expect((await post('/injection/cluster/west')).status).toBe(404);
  });
});
