import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection, Way } from '../../src/capture/connection.ts';
import type { CaptureIntent, Family } from '../../src/capture/intent.ts';
import { wayOf } from '../../src/capture/words.ts';
import { captureIntent, port } from '../support/builders/capture-intent.ts';
import { captureEnvironment, captureScript } from '../support/network/capture-script.ts';
import { startAgent, type Agent, type Echoed } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { legacyPrograms } from '../support/network/capture-back-ends.ts';
import { programFolder, type ProgramFolder } from '../support/processes/program-folder.ts';

/*
 * What the kernel does with real connections, against what `explain` says of them: every include and exclude, by three
 * back ends, in both families. Behind each door and at each destination somebody says where the connection has come to.
 */
const users = ['1000', '1337', '2000'] as const;
const doors: readonly [Way, number][] = [
  ['outbound listener', 15001],
  ['inbound listener', 15006],
  ['DNS server', 15053],
];
const appPorts = [8080, 8085, 8100, 15008, 15020];
const outsidePorts = [53, 80, 443, 7005];
const loopback = { v4: '127.0.0.1', v6: '::1' } as const;
const otherLoopback = '127.1.2.3';

const cases: readonly [string, CaptureIntent][] = [
  ['default', captureIntent()],
  [
    'inbound ports listed, exclusions without effect',
    captureIntent({ inbound: { ports: [port(8080), { first: 8090, last: 8110 }], excludePorts: [port(8080)] } }),
  ],
  [
    'inbound ports excluded',
    captureIntent({ inbound: { ports: 'all', excludePorts: [port(8080), { first: 8082, last: 8099 }] } }),
  ],
  ['no inbound port', captureIntent({ inbound: { ports: [] } })],
  [
    'outbound addresses listed',
    captureIntent({ outbound: { cidrs: ['10.78.0.0/16', 'fd78::/16'], excludePorts: [port(443)] } }),
  ],
  ['outbound addresses excluded', captureIntent({ outbound: { excludeCidrs: ['10.78.0.0/16', 'fd78::1/128'] } })],
  [
    'outbound ports listed',
    captureIntent({ outbound: { cidrs: [], ports: [port(443), { first: 7000, last: 7010 }] } }),
  ],
  [
    'listed ports, excluded addresses win',
    captureIntent({ outbound: { cidrs: [], ports: [port(443)], excludeCidrs: ['10.78.0.0/16', 'fd78::/16'] } }),
  ],
  ['outbound ports excluded', captureIntent({ outbound: { excludePorts: [port(443), { first: 7000, last: 7010 }] } })],
  ['nothing outbound', captureIntent({ outbound: { cidrs: [] } })],
  ['loopback listed', captureIntent({ outbound: { cidrs: ['127.1.2.0/24'] } })],
  [
    'users excluded',
    captureIntent({
      outbound: {
        excludeUsers: [
          { uid: '2000', ports: 'all' },
          { uid: '1000', ports: [port(80)] },
        ],
      },
    }),
  ],
  ['groups listed', captureIntent({ outbound: { ownerGroups: ['2000', '3000'] } })],
  ['groups excluded', captureIntent({ outbound: { excludeOwnerGroups: ['2000'] } })],
  ['other and several proxy users', captureIntent({ proxyUids: ['2000', '1337'], proxyGids: ['2000'] })],
  ['interface excluded', captureIntent({ excludeInterfaces: ['eth0'] })],
  ['another interface excluded', captureIntent({ excludeInterfaces: ['net1'] })],
  ['interface rerouted', captureIntent({ rerouteInterfaces: ['eth0'] })],
  [
    'interface rerouted for listed addresses',
    captureIntent({ rerouteInterfaces: ['eth0'], outbound: { cidrs: ['10.77.0.0/16', 'fd77::/16'] } }),
  ],
  ['DNS of one server', captureIntent({ dns: { port: 15053, servers: ['10.78.0.1', 'fd78::1'] } })],
  ['DNS of every server', captureIntent({ dns: { port: 15053, servers: 'all' }, outbound: { cidrs: [] } })],
  ['IPv4 alone', captureIntent({ families: ['v4'] })],
  ['invalid packets dropped', captureIntent({ dropInvalid: true })],
  ['another loopback range', captureIntent({ loopbackCidr: { v4: '127.0.0.0/8', v6: '::1/128' } })],
];

/** Connections of one family that the namespaces can make, with who makes them. */
function connectionsOf(family: Family): Connection[] {
  const at = (place: keyof typeof addresses): string => addresses[place][family];
  const [pod, cluster, elsewhere] = [at('pod'), at('cluster'), at('elsewhere')];
  const inbound = appPorts.map((number): Connection => ({
    direction: 'inbound',
    family,
    through: 'eth0',
    protocol: 'tcp',
    source: cluster,
    destination: pod,
    port: number,
    uid: '',
    gid: '',
  }));
  const outbound = users.flatMap((uid) => {
    const to = (destination: string, number: number, through: string): Connection => ({
      direction: 'outbound',
      family,
      through,
      protocol: 'tcp',
      source: pod,
      destination,
      port: number,
      uid,
      gid: uid,
    });
    return [
      ...[cluster, elsewhere].flatMap((host) => outsidePorts.map((number) => to(host, number, 'eth0'))),
      to(pod, 8080, 'lo'),
      to(pod, 15008, 'lo'),
      to(loopback[family], 8080, 'lo'),
      ...(family === 'v4' ? [to(otherLoopback, 8080, 'lo')] : []),
    ];
  });
  return [...inbound, ...outbound];
}

const all = (['v4', 'v6'] as const).flatMap(connectionsOf);
const backends = ['iptables-nft', 'iptables-legacy', 'nftables'] as const;

describe.each(backends)('%s', (backend) => {
  let pod: PodNamespace;
  let programs: ProgramFolder;
  let outside: Agent;
  const agents = new Map<string, Agent>();

  beforeAll(async () => {
    pod = createPodNamespace(`decide-${backend}`);
    programs = programFolder(...legacyPrograms);
    outside = await startAgent(pod.name.cluster);
    const proxy = await startAgent(pod.name.pod);
    for (const uid of users) agents.set(uid, await startAgent(pod.name.pod, Number(uid)));
    agents.set('proxy', proxy);
    for (const [text, number] of doors) await proxy.listen({ kind: 'banner', port: number, text });
    for (const number of appPorts) await proxy.listen({ kind: 'banner', port: number, text: 'direct' });
    for (const number of outsidePorts) await outside.listen({ kind: 'banner', port: number, text: 'direct' });
  });

  afterAll(async () => {
    for (const agent of [outside, ...agents.values()]) await agent.stop();
    pod.remove();
    programs.remove();
  });

  function run(mode: 'load' | 'clean', intent: CaptureIntent): void {
    const env = captureEnvironment(intent, backend === 'nftables' ? 'nftables' : 'iptables');
    const path = backend === 'iptables-legacy' ? ['env', `PATH=${programs.path}`] : [];
    const result = pod.run('pod', [...path, captureScript, mode], { env });
    expect(result).toMatchObject({ status: 0, stderr: '' });
  }

  function agentOf(uid: string): Agent {
    const agent = agents.get(uid);
    if (agent === undefined) throw new Error(`no agent ${uid}`);
    return agent;
  }

  /** Where the connection comes to, by the word of whoever takes it. */
  async function arrival({ direction, destination, port: number, uid }: Connection): Promise<string> {
    const agent = direction === 'inbound' ? outside : agentOf(uid);
    return (await agent.dial({ host: destination, port: number })).text;
  }

  test.each(cases)('%s', async (_, intent) => {
    // The proxies of this test listen at the doors already, so what verification finds is their word.
    run('load', intent);
    const arrived = await Promise.all(all.map(async (one) => ({ one, way: await arrival(one) })));
    expect(arrived).toEqual(all.map((one) => ({ one, way: wayOf(intent, one) })));
    run('clean', intent);
  });

  test('datagrams: queries go to the DNS server and their answers come back, the rest is left alone', async () => {
    const application = agentOf('1000');
    const proxy = agentOf('1337');
    for (const host of ['::ffff:127.0.0.1', '::1']) await proxy.listen({ kind: 'udp', port: 15053, host });
    for (const number of [53, 5353]) await outside.listen({ kind: 'udp', port: number });
    const intent = captureIntent({ dns: { port: 15053, servers: 'all' } });
    run('load', intent);
    for (const family of ['v4', 'v6'] as const) {
      const answeredAt = async (agent: Agent, number: number): Promise<number> => {
        const answer = await agent.sendDatagram({ host: addresses.cluster[family], port: number, text: 'query' });
        return (JSON.parse(answer) as Echoed).localPort;
      };
      expect(await answeredAt(application, 53)).toBe(15053);
      expect(await answeredAt(proxy, 53)).toBe(53);
      expect(await answeredAt(application, 5353)).toBe(5353);
    }
    run('clean', intent);
  });

  test('cleaned up, everything is direct', async () => {
    run('load', captureIntent());
    run('clean', captureIntent());
    const arrived = await Promise.all(all.map(arrival));
    expect(new Set(arrived)).toEqual(new Set(['direct']));
  });
});

test('the cases reach every door', () => {
  const ways = new Set(cases.flatMap(([, intent]) => all.map((one) => wayOf(intent, one))));
  expect([...ways].toSorted()).toEqual(['DNS server', 'direct', 'inbound listener', 'outbound listener']);
});
