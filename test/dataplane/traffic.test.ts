import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backEnds, clearRules } from '../support/network/capture-back-ends.ts';
import { injectedPod, podWith } from '../support/builders/decisions.ts';
import { startAgent, type Agent, type Heard } from '../support/network/agent.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { families, openScene, seenSource, url, type Family, type Scene } from '../support/network/scene.ts';
import type { JsonObject } from '../../src/json/json.ts';

const loopback = { v4: '127.0.0.1', v6: '::1' } as const;

/** Envoy gives every request an id; what passes by the proxy has none. */
function wentThroughProxy(heard: Heard): boolean {
  return heard.rawHeaders.some((one) => one.toLowerCase() === 'x-request-id');
}

async function ask(agent: Agent, host: string, port: number): Promise<Heard> {
  const answer = await agent.ask({ url: url(host, port, '/x?y=1'), headers: { 'X-Camel': 'Case' } });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body) as Heard;
}

const traffic = 'traffic.sidecar.istio.io';

describe.each(backEnds)('%s', (label, load) => {
  let scene: Scene;
  let proxyUser: Agent;
  const opened: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    // A request id shows which way a request took, whatever its port.
    scene = await openScene({ label, pod: podWith(), settings: { proxy: { httpPorts: '1-65535' } } });
    proxyUser = await startAgent(scene.pod.namespace.name.pod, 1337);
    opened.push(proxyUser, scene);
    clearRules(scene.pod);
    load(scene.pod, podWith());
    for (const port of [8080, 8081]) await scene.app.listen({ kind: 'http', port });
    for (const port of [9090, 9099]) await scene.outside.listen({ kind: 'http', port });
  });

  afterAll(async () => {
    for (const one of opened) await one.stop();
  });

  describe.each(families)('%s', (family) => {
    test('inbound goes through the proxy, and the application sees its address', async () => {
      const heard = await ask(scene.outside, addresses.pod[family], 8080);
      expect(heard).toMatchObject({ remoteAddress: seenSource('inbound', family), url: '/x?y=1', httpVersion: '1.1' });
      expect(wentThroughProxy(heard)).toBe(true);
      expect(heard.rawHeaders).toContain('X-Camel');
    });

    test("the application's answer is left as it is", async () => {
      const { rawHeaders } = await scene.outside.ask({ url: url(addresses.pod[family], 8080) });
      expect(rawHeaders).toEqual(expect.arrayContaining(['X-CamelCase', 'Content-Type', 'Server', 'app']));
    });

    test('outbound goes through the proxy', async () => {
      const heard = await ask(scene.app, addresses.cluster[family], 9090);
      expect(heard.remoteAddress).toBe(seenSource('outbound', family));
      expect(wentThroughProxy(heard)).toBe(true);
    });

    test('the application talking to itself passes by, by localhost and by the address of the pod', async () => {
      for (const host of [loopback[family], addresses.pod[family]]) {
        const heard = await ask(scene.app, host, 8080);
        expect([host, wentThroughProxy(heard)]).toEqual([host, false]);
      }
    });

    test("the proxy calling the pod's own address goes through the inbound side", async () => {
      const heard = await ask(proxyUser, addresses.pod[family], 8080);
      expect(wentThroughProxy(heard)).toBe(true);
      expect(heard.remoteAddress).toBe(seenSource('inbound', family));
    });

    test.each<[string, number, string, () => Agent]>([
      ['from outside', 15006, addresses.pod[family], () => scene.outside],
      ['in the pod', 15006, loopback[family], () => scene.app],
      ['in the pod', 15001, loopback[family], () => scene.app],
    ])('whoever dials a capture port itself is turned away: %s, %i', async (_, port, host, agent) => {
      const send = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
      expect(await agent().dial({ host, port, send, untilClosed: true })).toMatchObject({ text: '', ending: 'closed' });
    });

    test('the outbound port, dialled from outside, is a port where nobody listens', async () => {
      expect((await scene.outside.ask({ url: url(addresses.pod[family], 15001) })).status).toBe(503);
    });

    test.each([
      [15020, '/health', /^LIVE/],
      [15020, '/healthz/ready', /^LIVE/],
      [15021, '/healthz/ready', /^LIVE/],
      [15020, '/stats/prometheus', /^# TYPE envoy_/m],
      [15090, '/stats/prometheus', /^# TYPE envoy_/m],
    ])('%i answers %s', async (port, path, body) => {
      const answer = await scene.outside.ask({ url: url(addresses.pod[family], port, path) });
      expect([answer.status, answer.body]).toEqual([200, expect.stringMatching(body)]);
    });

    test.each(['/', '/quitquitquit', '/config_dump', '/stats/prometheus/../quitquitquit', '/ready'])(
      'nothing else of the admin interface is on the status port: %s',
      async (path) => {
        expect((await scene.outside.ask({ url: url(addresses.pod[family], 15020, path) })).status).toBe(404);
      },
    );
  });

  test('the admin interface cannot be reached from outside', async () => {
    expect((await scene.outside.ask({ url: url(addresses.pod.v4, 15000) })).status).toBe(503);
  });

  /** Which of five conversations went through the proxy: inbound 8080 and 8081, outbound 9090, and elsewhere 9090 and 9099. */
  async function captured(family: Family): Promise<boolean[]> {
    const heard = [
      await ask(scene.outside, addresses.pod[family], 8080),
      await ask(scene.outside, addresses.pod[family], 8081),
      await ask(scene.app, addresses.cluster[family], 9090),
      await ask(scene.app, addresses.elsewhere[family], 9090),
      await ask(scene.app, addresses.elsewhere[family], 9099),
    ];
    return heard.map(wentThroughProxy);
  }

  test.each<[JsonObject, boolean[]]>([
    [{}, [true, true, true, true, true]],
    [{ [`${traffic}/includeInboundPorts`]: '*' }, [true, true, true, true, true]],
    [{ [`${traffic}/includeInboundPorts`]: '8080' }, [true, false, true, true, true]],
    [{ [`${traffic}/includeInboundPorts`]: '8081-8090' }, [false, true, true, true, true]],
    [{ [`${traffic}/includeInboundPorts`]: '' }, [false, false, true, true, true]],
    [{ [`${traffic}/excludeInboundPorts`]: '8080' }, [false, true, true, true, true]],
    [{ [`${traffic}/excludeInboundPorts`]: '8000-8080' }, [false, true, true, true, true]],
    [{ [`${traffic}/excludeOutboundPorts`]: '9090' }, [true, true, false, false, true]],
    [{ [`${traffic}/excludeOutboundPorts`]: '9000-9098' }, [true, true, false, false, true]],
    [{ [`${traffic}/excludeOutboundIPRanges`]: '10.78.0.0/16,fd78::/64' }, [true, true, true, false, false]],
    [{ [`${traffic}/includeOutboundIPRanges`]: '' }, [true, true, false, false, false]],
    [{ [`${traffic}/includeOutboundIPRanges`]: '10.77.0.0/16,fd77::/16' }, [true, true, true, false, false]],
    [
      { [`${traffic}/includeOutboundIPRanges`]: '10.77.0.0/16,fd77::/16', [`${traffic}/includeOutboundPorts`]: '9099' },
      [true, true, true, false, true],
    ],
    [
      {
        [`${traffic}/includeOutboundIPRanges`]: '10.77.0.0/16,10.78.0.0/16,fd77::/16,fd78::/16',
        [`${traffic}/excludeOutboundIPRanges`]: '10.78.0.0/16,fd78::/16',
      },
      [true, true, true, false, false],
    ],
    [{ [`${traffic}/excludeInterfaces`]: 'eth0' }, [false, false, false, false, false]],
    [{ [`${traffic}/excludeInterfaces`]: 'net1' }, [true, true, true, true, true]],
  ])('captures as annotated: %j', async (annotations, expected) => {
    load(scene.pod, podWith({ annotations }));
    for (const family of families) {
      expect({ family, through: await captured(family) }).toEqual({ family, through: expected });
    }
  });

  test('rules that are loaded twice, while a connection is open, disturb nothing', async () => {
    load(scene.pod, podWith());
    const connection = scene.outside.askInBursts({ url: url(addresses.pod.v6, 8080), count: 1, gapsMs: [500, 500] });
    load(scene.pod, podWith());
    load(scene.pod, podWith());
    expect(await connection).toEqual({ answered: 3, failures: [] });
    expect(await captured('v4')).toEqual([true, true, true, true, true]);
  });

  test('rules of all back ends at once are as good as those of one', async () => {
    for (const [, other] of backEnds) other(scene.pod, podWith());
    for (const family of families) expect(await captured(family)).toEqual([true, true, true, true, true]);
    clearRules(scene.pod);
    load(scene.pod, podWith());
  });

  test('an application that runs as the proxy would pass it by, which is why it is refused', async () => {
    const heard = await ask(proxyUser, addresses.cluster.v4, 9090);
    expect(wentThroughProxy(heard)).toBe(false);
    const pod = podWith({ container: { securityContext: { runAsUser: 1337 } } });
    expect(() => injectedPod(pod)).toThrow('UserConflict: container "app" runs as user 1337');
  });

  test('without the proxy captured traffic is refused and the rest goes on; with it all is well again', async () => {
    await scene.pod.stopProxy('SIGKILL');
    for (const family of families) {
      const refused = [
        scene.outside.ask({ url: url(addresses.pod[family], 8080) }),
        scene.outside.ask({ url: url(addresses.pod[family], 15021, '/healthz/ready') }),
        scene.app.ask({ url: url(addresses.cluster[family], 9090) }),
      ];
      for (const one of refused) await expect(one).rejects.toThrow('ECONNREFUSED');
      for (const host of [loopback[family], addresses.pod[family]]) {
        expect(wentThroughProxy(await ask(scene.app, host, 8080))).toBe(false);
      }
    }
    await scene.pod.startProxy();
    for (const family of families) expect(await captured(family)).toEqual([true, true, true, true, true]);
  });
});
