import type { CaptureIntent } from './intent.ts';
import { excludedInterfaces, inboundWords } from './shared-rules.ts';
import { bothFamilies, loopbackSourceCidr } from './rule-text.ts';
import { chains, inTable, jump, loopback, pass, proxyOwners, tcp, to, type Match, type Rule } from './rule.ts';

const mangle = inTable('mangle');
const fromLoopback: Match = { by: 'in', name: 'lo' };

function dropInvalid(): Rule[] {
  return [
    mangle('PREROUTING', [{ by: 'state', states: ['INVALID'] }], jump(chains.drop)),
    mangle(chains.drop, [], { to: 'drop' }),
  ];
}

/** Rules that leave packets of known connections to their socket, and pass new connections to the proxy's listener. */
function handOver(intent: CaptureIntent): Rule[] {
  const { inbound, tproxy, inboundPort } = intent;
  if (inbound.ports !== 'all' && inbound.ports.length === 0) return [];
  const known: Match = { by: 'state', states: ['RELATED', 'ESTABLISHED'] };
  const { captured: words, excluded } = inboundWords(intent);
  const capture = (matches: readonly Match[]): Rule[] => [
    mangle(chains.inbound, [...matches, known], jump(chains.divert)),
    mangle(chains.inbound, matches, jump(chains.tproxy), { words }),
  ];
  return [
    mangle(chains.divert, [], { to: 'mark', mark: tproxy.inboundMark }),
    mangle(chains.divert, [], { to: 'accept' }),
    ...bothFamilies.map((family) =>
      mangle(
        chains.tproxy,
        [{ by: 'destination', cidr: intent.loopbackCidr[family], not: true }, tcp],
        { to: 'tproxy', port: inboundPort, mark: tproxy.inboundMark },
        { family },
      ),
    ),
    mangle('PREROUTING', [tcp], jump(chains.inbound)),
    ...(inbound.ports === 'all'
      ? [
          ...inbound.excludePorts.map((range) => mangle(chains.inbound, [tcp, to(range)], pass, { words: excluded })),
          ...capture([tcp]),
        ]
      : inbound.ports.flatMap((range) => capture([tcp, to(range)]))),
  ];
}

/** Rules with marks, which distinguish the proxy's connections from those that must still be passed to it. */
function marks(intent: CaptureIntent): Rule[] {
  const { inboundMark, outboundMark } = intent.tproxy;
  return [
    mangle('PREROUTING', [tcp, { by: 'mark', mark: inboundMark }], { to: 'save mark' }),
    mangle('OUTPUT', [tcp, loopback, { by: 'mark', mark: inboundMark }], pass),
    ...proxyOwners(intent).flatMap((owner) =>
      bothFamilies.map((family) =>
        mangle(
          'OUTPUT',
          [{ by: 'destination', cidr: intent.loopbackCidr[family], not: true }, tcp, loopback, owner],
          { to: 'mark', mark: outboundMark },
          { family },
        ),
      ),
    ),
    mangle('OUTPUT', [tcp, { by: 'connection mark', mark: inboundMark }], { to: 'restore mark' }),
    mangle(chains.inbound, [tcp, { by: 'mark', mark: inboundMark }], pass, { position: 1 }),
    ...bothFamilies.map((family) =>
      mangle(chains.inbound, [tcp, { by: 'source', cidr: loopbackSourceCidr(intent, family) }, fromLoopback], pass, {
        position: 2,
        family,
      }),
    ),
    mangle(chains.inbound, [tcp, fromLoopback, { by: 'mark', mark: outboundMark, not: true }], pass, { position: 3 }),
  ];
}

/** Rules of table `mangle`, in Istio's order: inbound capture in mode TPROXY, and dropping of invalid packets. */
export function mangleRules(intent: CaptureIntent): Rule[] {
  const transparent = intent.mode === 'TPROXY';
  return [
    ...(transparent ? excludedInterfaces('mangle', intent) : []),
    ...(intent.dropInvalid ? dropInvalid() : []),
    ...(transparent ? [...handOver(intent), ...marks(intent)] : []),
  ];
}
