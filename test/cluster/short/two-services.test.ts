import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createAuthority, issueLeaf } from '../../../src/certs/authority.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import {
  createClusterNamespace,
  type ClusterNamespace,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { envoyStatistics } from '../../support/network/envoy-in-pod.ts';
import { nodeControl } from '../../support/cluster/node-control.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { idlePod, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

let namespace: ClusterNamespace;
let server: RunningPod;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  const { certificate, privateKey } = await makeCertificate();
  const env = { BANNER_PORT: '9000', TLS_PORT: '8443', TLS_CERT: certificate, TLS_KEY: privateKey };
  await namespace.apply(pod('web', servingTemplate('web', env)), webService, idlePod('client'));
  [server] = await Promise.all([namespace.untilPod('web'), namespace.untilPod('client')]);
  await namespace.untilServed('client/app', 'http://web/');
});
afterAll(() => namespace.remove());

function pod(name: string, template: JsonObject, annotations: JsonObject = {}): JsonObject {
  const metadata = { ...(template['metadata'] as JsonObject), name, annotations };
  return { apiVersion: 'v1', kind: 'Pod', ...template, metadata };
}

const webService: JsonObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    selector: { app: 'web' },
    ipFamilyPolicy: 'PreferDualStack',
    ports: [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'https', port: 443, targetPort: 8443 },
      { name: 'banner', port: 9000, targetPort: 9000 },
    ],
  },
};

async function makeCertificate(): Promise<{ certificate: string; privateKey: string }> {
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs: 3_600_000 });
  return issueLeaf({ authority, names: { dns: ['web'], ips: [] }, now, lifetimeMs: 3_600_000 });
}

/** What both proxies count of what `act` does. */
async function counted(act: () => Promise<unknown>, client = 'client', serving = 'web') {
  const read = () => Promise.all([envoyStatistics(namespace, client), envoyStatistics(namespace, serving)]);
  const before = await read();
  await act();
  const after = await read();
  const difference = (place: 0 | 1, name: string) => (after[place][name] ?? 0) - (before[place][name] ?? 0);
  return {
    outboundHttp: difference(0, 'http.outbound.downstream_rq_2xx'),
    outboundTcp: difference(0, 'tcp.PassthroughCluster.downstream_cx_total'),
    inboundHttp: difference(1, 'http.inbound.downstream_rq_2xx'),
    inboundTcp: difference(1, 'tcp.InboundPassthroughCluster.downstream_cx_total'),
  };
}

const curl = (from: string, ...args: string[]) =>
  namespace.exec(`${from}/app`, 'curl', '-sS', '--fail', '--max-time', '10', ...args);

describe('both proxies count what two injected pods say to each other', () => {
  test('HTTP', async () => {
    const figures = await counted(() => curl('client', 'http://web/'));
    expect(figures).toEqual({ outboundHttp: 1, outboundTcp: 0, inboundHttp: 1, inboundTcp: 0 });
  });

  test('HTTPS, which stays the application’s own from end to end', async () => {
    const figures = await counted(async () => {
      const answer = await curl('client', '--insecure', '--verbose', '--stderr', '-', 'https://web/');
      expect(answer).toMatch(/issuer: /);
    });
    expect(figures).toEqual({ outboundHttp: 0, outboundTcp: 1, inboundHttp: 0, inboundTcp: 1 });
  });

  test('TCP where the server speaks first', async () => {
    const figures = await counted(async () => {
      const program = `require('node:net').connect(9000, 'web').pipe(process.stdout)`;
      expect(await namespace.exec('client/app', 'node', '-e', program)).toBe('220 ready when you are\r\n');
    });
    expect(figures).toEqual({ outboundHttp: 0, outboundTcp: 1, inboundHttp: 0, inboundTcp: 1 });
  });
});

describe('what is excluded passes by the proxy', () => {
  const url = () => `http://${server.status.podIP}:8080/`;

  test.each([
    ['outbound, by port', () => ({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '8080' })],
    [
      'outbound, by address',
      () => ({ 'traffic.sidecar.istio.io/excludeOutboundIPRanges': `${server.status.podIP}/32` }),
    ],
  ])('%s', async (name, annotations) => {
    const client = name.replaceAll(/\W+/g, '-');
    await namespace.apply(idlePod(client, { annotations: annotations() }));
    await namespace.untilPod(client);
    expect(await counted(() => curl(client, url()), client)).toMatchObject({ outboundHttp: 0, inboundHttp: 1 });
    expect(await counted(() => curl('client', url()))).toMatchObject({ outboundHttp: 1, inboundHttp: 1 });
  });

  test('inbound, by port: the application sees who really asks', async () => {
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' };
    await namespace.apply(pod('open', servingTemplate('open'), annotations));
    const open = await namespace.untilPod('open');
    const client = await namespace.untilPod('client');
    const figures = await counted(
      async () => {
        const answer = JSON.parse(await curl('client', `http://${open.status.podIP}:8080/`)) as { peer: string };
        expect(answer.peer).toContain(client.status.podIP);
      },
      'client',
      'open',
    );
    expect(figures).toMatchObject({ outboundHttp: 1, inboundHttp: 0, inboundTcp: 0 });
  });
});

// Whether a foreign cluster has it nobody tells.
const withIpv6 = nodeControl()?.hasIpv6 === true ? describe : describe.skip;

withIpv6('over IPv6', () => {
  const address = () => server.status.podIPs?.map(({ ip }) => ip).find((ip) => ip.includes(':')) ?? '';

  beforeAll(() => namespace.untilServed('client/app', 'http://web/', '-6'));

  test('both proxies count a request through the Service, and one to the pod’s address', async () => {
    for (const args of [['-6', 'http://web/'], [`http://[${address()}]:8080/`]]) {
      const figures = await counted(async () => {
        const answer = JSON.parse(await curl('client', ...args)) as { peer: string };
        expect(answer.peer).toBe('::6');
      });
      expect(figures).toEqual({ outboundHttp: 1, outboundTcp: 0, inboundHttp: 1, inboundTcp: 0 });
    }
  });

  test('what is excluded by address passes by the proxy', async () => {
    const annotations = { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': `${address()}/128` };
    await namespace.apply(idlePod('outbound-by-address-6', { annotations }));
    await namespace.untilPod('outbound-by-address-6');
    const url = `http://[${address()}]:8080/`;
    const figures = await counted(() => curl('outbound-by-address-6', url), 'outbound-by-address-6');
    expect(figures).toMatchObject({ outboundHttp: 0, inboundHttp: 1 });
  });
});
