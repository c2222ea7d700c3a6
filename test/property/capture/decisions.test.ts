import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import type { Connection, Way } from '../../../src/capture/connection.ts';
import type { CaptureIntent, Family, PortRange } from '../../../src/capture/intent.ts';
import { renderIptables } from '../../../src/capture/iptables.ts';
import { renderNftables } from '../../../src/capture/nftables.ts';
import { wayOf } from '../../../src/capture/words.ts';
import { captureIntent } from '../../support/builders/capture-intent.ts';
import { wayByIptables } from '../../support/models/iptables.ts';
import { wayByNftables } from '../../support/models/nftables.ts';

/*
 * Three renderings of one intent, read back as text by models that know nothing of it, must send every connection the
 * same way. Few values each, so that rules and connections meet often.
 */
const runs = { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 300) };
const numbers = [22, 53, 80, 443, 8080, 8100, 15006, 15008, 15020] as const;
const owners = ['0', '1000', '1337', '2000'] as const;
const cards = ['eth0', 'net1', 'tap0', 'tap1'] as const;
const networks = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3/32',
  '0.0.0.0/0',
  '127.1.2.0/24',
  'fd00::/8',
  'fd00:1::/64',
  '::/0',
  '::1/128',
  '2001:db8::1/31',
] as const;
const hosts: Readonly<Record<Family, readonly string[]>> = {
  v4: ['10.1.2.3', '10.1.9.9', '10.9.9.9', '127.0.0.1', '127.1.2.3', '127.0.0.6', '203.0.113.9', '10.0.0.53'],
  v6: ['fd00:1::7', 'fd00:2::7', '::1', '::6', '2001:db8::1', '2001:db9::1', 'fd00::53'],
};

const some = <T>(values: readonly T[], most = 3): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength: most });
const range: fc.Arbitrary<PortRange> = fc
  .tuple(fc.constantFrom(...numbers), fc.constantFrom(0, 0, 1, 100))
  .map(([first, more]) => ({ first, last: first + more }));
const ranges = fc.array(range, { maxLength: 3 });
const orAll = <T>(list: fc.Arbitrary<T[]>): fc.Arbitrary<'all' | T[]> => fc.oneof(fc.constant('all' as const), list);

const intents: fc.Arbitrary<CaptureIntent> = fc
  .record({
    mode: fc.constantFrom('REDIRECT', 'REDIRECT', 'TPROXY'),
    loading: fc.constantFrom('replace', 'append'),
    families: fc.constantFrom<Family[]>(['v4', 'v6'], ['v4', 'v6'], ['v4'], ['v6']),
    loopbackCidr: fc.constantFrom({ v4: '127.0.0.1/32', v6: '::1/128' }, { v4: '127.0.0.0/8', v6: '::1/128' }),
    proxyUids: some(owners, 2),
    proxyGids: some(owners, 2),
    inbound: fc.record({ ports: orAll(ranges), excludePorts: ranges }),
    outbound: fc.record({
      cidrs: orAll(some<string>(networks)),
      excludeCidrs: some<string>(networks, 2),
      ports: ranges,
      excludePorts: ranges,
      excludeUsers: fc.array(fc.record({ uid: fc.constantFrom(...owners), ports: orAll(ranges) }), { maxLength: 2 }),
      ownerGroups: orAll(fc.uniqueArray(fc.constantFrom(...owners), { minLength: 1, maxLength: 2 })),
      excludeOwnerGroups: some(owners, 2),
    }),
    excludeInterfaces: some(cards, 2),
    rerouteInterfaces: some(cards, 2),
    dns: fc.option(
      fc.record({
        port: fc.constant(15053),
        servers: orAll(some(['10.0.0.53', 'fd00::53', '127.1.2.3'], 2)),
      }),
      { nil: undefined },
    ),
    dropInvalid: fc.boolean(),
  })
  // An interface cannot be both, and what a virtual machine sends is not the pod's inbound traffic in mode TPROXY.
  .map((changes) =>
    captureIntent({
      ...changes,
      rerouteInterfaces:
        changes.mode === 'TPROXY'
          ? []
          : changes.rerouteInterfaces.filter((name) => !changes.excludeInterfaces.includes(name)),
    }),
  );

const connections: fc.Arbitrary<Connection> = fc
  .record({
    direction: fc.constantFrom('inbound', 'outbound'),
    family: fc.constantFrom<Family>('v4', 'v6'),
    protocol: fc.constantFrom('tcp', 'tcp', 'tcp', 'udp'),
    port: fc.constantFrom(...numbers, 53, 53, 8101, 9),
    uid: fc.constantFrom(...owners),
    gid: fc.constantFrom(...owners),
    card: fc.constantFrom(...cards),
    inPod: fc.boolean(),
    at: fc.tuple(fc.nat(), fc.nat()),
  })
  .map(({ card, inPod, at: [from, to], ...one }): Connection => {
    // The kernel refuses loopback addresses that come from outside, so the rules never see them.
    const of = hosts[one.family].filter((host) => one.direction === 'outbound' || !/^(?:127|::[16]$)/.test(host));
    const host = (index: number): string => of[index % of.length] ?? '';
    const through = one.direction === 'outbound' && inPod ? 'lo' : card;
    return { ...one, through, source: host(from), destination: host(to) };
  });

function wayByRules(intent: CaptureIntent, one: Connection): Way {
  if (!intent.families.includes(one.family)) return 'direct';
  return wayByIptables(renderIptables(intent, one.family), intent, one);
}

test('iptables, nftables and the words send every connection the same way', () => {
  const seen = new Map<Way, number>();
  fc.assert(
    fc.property(intents, fc.array(connections, { minLength: 10, maxLength: 10 }), (intent, several) => {
      const table = renderNftables(intent);
      for (const one of several) {
        const way = wayByRules(intent, one);
        seen.set(way, (seen.get(way) ?? 0) + 1);
        expect({ one, way: wayByNftables(table, intent, one) }).toEqual({ one, way });
        expect({ one, way: wayOf(intent, one) }).toEqual({ one, way });
      }
    }),
    runs,
  );
  // Otherwise the property would hold of connections that nothing captures.
  for (const way of ['direct', 'outbound listener', 'inbound listener', 'DNS server'] as const) {
    expect(seen.get(way) ?? 0).toBeGreaterThan(runs.numRuns / 200);
  }
});

test('loading by replacement and by addition give the same rules', () => {
  const rules = (text: string): string[] => text.split('\n').filter((line) => /^-[AI]/.test(line));
  fc.assert(
    fc.property(intents, fc.constantFrom<Family>('v4', 'v6'), (intent, family) => {
      const [replaced, appended] = (['replace', 'append'] as const).map((loading) =>
        rules(renderIptables({ ...intent, loading }, family)),
      );
      expect(appended).toEqual(replaced);
    }),
    runs,
  );
});
