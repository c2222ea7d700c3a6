import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../src/capture/intent.ts';
import { renderNftables } from '../../src/capture/nftables.ts';
import { captureIntent, port } from '../support/capture-intent.ts';
import { captureTraffic } from '../support/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/envoy.ts';
import { startAgent, type Agent, type Heard } from '../support/network-agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/pod-namespace.ts';
import { proxyIntent } from '../support/proxy-intent.ts';

type Family = 'v4' | 'v6';

const families: readonly Family[] = ['v4', 'v6'];
const loopback = { v4: '127.0.0.1', v6: '::1' } as const;
const fromProxy = { v4: '::ffff:127.0.0.6', v6: '::6' } as const;

function captureByNftables(pod: PodNamespace, intent: CaptureIntent): void {
  pod.run('pod', ['ip', '-6', 'address', 'replace', `${intent.loopbackSource.v6}/128`, 'dev', 'lo']);
  const result = pod.run('pod', ['nft', '-f', '-'], { input: renderNftables(intent) });
  if (result.status !== 0) throw new Error(result.stderr);
}

function url(host: string, portNumber: number, path = '/'): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${portNumber}${path}`;
}

/** Envoy gives every request an id; what passes by the proxy has none. */
function wentThroughProxy(heard: Heard): boolean {
  return heard.rawHeaders.includes('x-request-id') || heard.rawHeaders.includes('X-Request-Id');
}

describe.each([
  ['iptables', captureTraffic],
  ['nftables', captureByNftables],
])('%s', (backEnd, capture) => {
  let pod: PodNamespace;
  let envoy: RunningEnvoy | undefined;
  let app: Agent;
  let proxyUser: Agent;
  let outside: Agent;
  const agents: Agent[] = [];

  const defaults = captureIntent({
    outbound: { excludePorts: [port(7000)], excludeCidrs: ['10.78.0.0/16', 'fd78::/64'] },
  });

  async function ask(agent: Agent, host: string, portNumber: number): Promise<Heard> {
    const answer = await agent.ask({ url: url(host, portNumber, '/x?y=1'), headers: { 'X-Camel': 'Case' } });
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body) as Heard;
  }

  async function counter(pattern: RegExp): Promise<number> {
    const { body } = await outside.ask({ url: url(addresses.pod.v4, 15090, '/stats/prometheus') });
    return body
      .split('\n')
      .filter((line) => pattern.test(line))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  beforeAll(async () => {
    pod = createPodNamespace(`traffic-${backEnd}`);
    capture(pod, defaults);
    // Far longer than any test waits, so that only what never waits for it can pass.
    envoy = await startEnvoy(pod, proxyIntent({ protocolDetectionTimeoutMs: 60_000 }));
    app = await startAgent(pod.name.pod, 1000);
    proxyUser = await startAgent(pod.name.pod, 1337);
    outside = await startAgent(pod.name.cluster);
    agents.push(app, proxyUser, outside);
    for (const listening of [8080, 8081]) await app.listen({ kind: 'http', port: listening });
    await app.listen({ kind: 'banner', port: 3306, text: 'pod banner\n' });
    for (const listening of [7000, 9090, 9099]) await outside.listen({ kind: 'http', port: listening });
    await outside.listen({ kind: 'banner', port: 3306, text: 'cluster banner\n' });
  });

  afterAll(async () => {
    await envoy?.stop();
    for (const agent of agents) await agent.stop();
    pod.remove();
  });

  describe.each(families)('%s', (family) => {
    test('inbound HTTP goes through the proxy, and the application sees its address', async () => {
      const before = await counter(/^envoy_http_downstream_rq_total\{.*"inbound"/);
      const heard = await ask(outside, addresses.pod[family], 8080);
      expect(heard).toMatchObject({ remoteAddress: fromProxy[family], url: '/x?y=1', httpVersion: '1.1' });
      expect(wentThroughProxy(heard)).toBe(true);
      expect(heard.rawHeaders).toContain('X-Camel');
      expect(await counter(/^envoy_http_downstream_rq_total\{.*"inbound"/)).toBe(before + 1);
    });

    test("the application's answer is left as it is", async () => {
      const { rawHeaders } = await outside.ask({ url: url(addresses.pod[family], 8080) });
      expect(rawHeaders).toEqual(expect.arrayContaining(['X-CamelCase', 'Content-Type', 'Server', 'app']));
    });

    test('outbound HTTP goes through the proxy', async () => {
      const before = await counter(/^envoy_http_downstream_rq_total\{.*"outbound"/);
      const heard = await ask(app, addresses.cluster[family], 9090);
      expect(heard.remoteAddress.replace('::ffff:', '')).toBe(addresses.pod[family]);
      expect(wentThroughProxy(heard)).toBe(true);
      expect(await counter(/^envoy_http_downstream_rq_total\{.*"outbound"/)).toBe(before + 1);
    });

    test.each<[string, number, 'cluster' | 'elsewhere']>([
      ['an excluded port', 7000, 'cluster'],
      ['an excluded address', 9090, 'elsewhere'],
    ])('outbound to %s passes by', async (_, portNumber, where) => {
      expect(wentThroughProxy(await ask(app, addresses[where][family], portNumber))).toBe(false);
    });

    test('the application talking to itself passes by', async () => {
      for (const host of [loopback[family], addresses.pod[family]]) {
        expect(wentThroughProxy(await ask(app, host, 8080))).toBe(false);
      }
    });

    test("the proxy calling the pod's own address goes through the inbound side", async () => {
      const heard = await ask(proxyUser, addresses.pod[family], 8080);
      expect(wentThroughProxy(heard)).toBe(true);
      expect(heard.remoteAddress).toBe(fromProxy[family]);
    });

    test('on opaque ports the server may speak first, both ways', async () => {
      expect((await outside.dial({ host: addresses.pod[family], port: 3306 })).text).toBe('pod banner\n');
      expect((await app.dial({ host: addresses.cluster[family], port: 3306 })).text).toBe('cluster banner\n');
      expect(await counter(/^envoy_tcp_downstream_cx_total\{/)).toBeGreaterThanOrEqual(2);
    });

    test.each<[string, number, string, () => Agent]>([
      ['from outside', 15006, addresses.pod[family], () => outside],
      ['in the pod', 15006, loopback[family], () => app],
      ['in the pod', 15001, loopback[family], () => app],
    ])('whoever dials a capture port itself is turned away: %s, %i', async (_, portNumber, host, agent) => {
      const send = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
      const end = await agent().dial({ host, port: portNumber, send, untilClosed: true });
      expect(end).toMatchObject({ text: '', ending: 'closed' });
    });

    test('the outbound port, dialled from outside, is a port where nobody listens', async () => {
      expect((await outside.ask({ url: url(addresses.pod[family], 15001) })).status).toBe(503);
    });

    test.each([
      [15020, '/health', /^LIVE/],
      [15020, '/healthz/ready', /^LIVE/],
      [15021, '/healthz/ready', /^LIVE/],
      [15020, '/stats/prometheus', /^# TYPE envoy_/],
      [15090, '/stats/prometheus', /^# TYPE envoy_/],
    ])('%i answers %s', async (portNumber, path, body) => {
      const answer = await outside.ask({ url: url(addresses.pod[family], portNumber, path) });
      expect([answer.status, answer.body]).toEqual([200, expect.stringMatching(body)]);
    });

    test.each(['/', '/quitquitquit', '/config_dump', '/stats/prometheus/../quitquitquit', '/ready'])(
      'nothing else of the admin interface is on the status port: %s',
      async (path) => {
        expect((await outside.ask({ url: url(addresses.pod[family], 15020, path) })).status).toBe(404);
      },
    );

    test('a port where nobody listens is a 503', async () => {
      expect((await outside.ask({ url: url(addresses.pod[family], 8099) })).status).toBe(503);
    });
  });

  test('the admin interface cannot be reached from outside', async () => {
    expect((await outside.ask({ url: url(addresses.pod.v4, 15000) })).status).toBe(503);
  });

  test('HTTP/1.0 without a Host header is answered', async () => {
    const { text } = await outside.dial({ host: addresses.pod.v4, port: 8080, send: 'GET /old HTTP/1.0\r\n\r\n' });
    expect(text).toMatch(/^HTTP\/1\.[01] 200 /);
  });

  test('loading the rules again disturbs nothing', async () => {
    capture(pod, defaults);
    expect(wentThroughProxy(await ask(outside, addresses.pod.v4, 8080))).toBe(true);
    expect(wentThroughProxy(await ask(app, addresses.cluster.v6, 9090))).toBe(true);
  });

  test.each<[string, CaptureIntent, boolean[]]>([
    // inbound 8080, inbound 8081, outbound 9090, outbound 9090 elsewhere, outbound 9099 elsewhere
    ['everything', captureIntent(), [true, true, true, true, true]],
    ['one inbound port', captureIntent({ inbound: { ports: [port(8080)] } }), [true, false, true, true, true]],
    ['a range', captureIntent({ inbound: { ports: [{ first: 8081, last: 8090 }] } }), [false, true, true, true, true]],
    [
      'all but one inbound port',
      captureIntent({ inbound: { excludePorts: [port(8080), port(15090)] } }),
      [false, true, true, true, true],
    ],
    ['nothing inbound', captureIntent({ inbound: { ports: [] } }), [false, false, true, true, true]],
    ['nothing outbound', captureIntent({ outbound: { cidrs: [] } }), [true, true, false, false, false]],
    [
      'listed addresses',
      captureIntent({ outbound: { cidrs: ['10.77.0.0/16', 'fd77::/16'] } }),
      [true, true, true, false, false],
    ],
    [
      'a listed port besides',
      captureIntent({ outbound: { cidrs: ['10.77.0.0/16', 'fd77::/16'], ports: [port(9099)] } }),
      [true, true, true, false, true],
    ],
    ['an excluded interface', captureIntent({ excludeInterfaces: ['eth0'] }), [false, false, false, false, false]],
    [
      'another group of processes',
      captureIntent({ outbound: { ownerGroups: ['2000'] } }),
      [true, true, false, false, false],
    ],
    [
      'excluded processes',
      captureIntent({ outbound: { excludeOwnerGroups: ['1000'] } }),
      [true, true, false, false, false],
    ],
  ])('captures as told: %s', async (_, intent, expected) => {
    capture(pod, intent);
    for (const family of families) {
      const heard = [
        await ask(outside, addresses.pod[family], 8080),
        await ask(outside, addresses.pod[family], 8081),
        await ask(app, addresses.cluster[family], 9090),
        await ask(app, addresses.elsewhere[family], 9090),
        await ask(app, addresses.elsewhere[family], 9099),
      ];
      expect({ family, through: heard.map(wentThroughProxy) }).toEqual({ family, through: expected });
    }
  });

  test('without the proxy captured traffic is refused and the rest goes on', async () => {
    capture(pod, defaults);
    const written = envoy?.output;
    await envoy?.stop();
    envoy = undefined;
    await expect(outside.ask({ url: url(addresses.pod.v4, 8080) })).rejects.toThrow('ECONNREFUSED');
    await expect(app.ask({ url: url(addresses.cluster.v4, 9090) })).rejects.toThrow('ECONNREFUSED');
    expect(wentThroughProxy(await ask(app, '127.0.0.1', 8080))).toBe(false);
    const line = written?.stdout.split('\n').find((one) => one.includes('"inbound"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      method: 'GET',
      path: '/x?y=1',
      response_code: 200,
      route_name: 'inbound',
    });
  });
});
