import { describe, expect, test } from '@jest/globals';
import { renderIstioIptablesFlags } from '../../../src/capture/istio-iptables-flags.ts';
import { beyondNodeAgent, renderNodeAgentAnnotations } from '../../../src/capture/node-agent-annotations.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

const everything = captureIntent({
  inbound: { ports: [port(80), { first: 90, last: 92 }], excludePorts: [port(15_020)] },
  outbound: {
    ...captureIntent({}).outbound,
    cidrs: ['10.0.0.0/8', '2001:db8::/32'],
    excludeCidrs: ['10.1.0.0/16'],
    ports: [port(443)],
    excludePorts: [port(22), port(25)],
  },
  excludeInterfaces: ['eth9'],
  rerouteInterfaces: ['net1', 'net2'],
});

describe('annotations for a node agent', () => {
  test('say all of the intent, ranges port by port', () => {
    expect(renderNodeAgentAnnotations(everything)).toEqual({
      'sidecar.istio.io/interceptionMode': 'REDIRECT',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8,2001:db8::/32',
      'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.1.0.0/16',
      'traffic.sidecar.istio.io/includeInboundPorts': '80,90,91,92',
      'traffic.sidecar.istio.io/excludeInboundPorts': '15020',
      'traffic.sidecar.istio.io/includeOutboundPorts': '443',
      'traffic.sidecar.istio.io/excludeOutboundPorts': '22,25',
      'traffic.sidecar.istio.io/excludeInterfaces': 'eth9',
      'istio.io/reroute-virtual-interfaces': 'net1,net2',
    });
  });

  test.each([
    [{}, []],
    [{ dropInvalid: true }, ['dropping invalid packets']],
    [{ families: ['v4' as const] }, ['one IP family alone']],
    [
      { outbound: { ...captureIntent({}).outbound, excludeUsers: [{ uid: '7', ports: 'all' as const }] } },
      ['users whose traffic passes by'],
    ],
    [
      { outbound: { ...captureIntent({}).outbound, ownerGroups: ['1'], excludeOwnerGroups: ['2'] } },
      ['groups whose traffic is captured', 'groups whose traffic passes by'],
    ],
  ])('what they cannot say of %j is named', (change, expected) => {
    expect(beyondNodeAgent(captureIntent(change))).toEqual(expected);
  });
});

describe('flags of istio-iptables', () => {
  test('say all of the intent, in Istio’s order', () => {
    const intent = captureIntent({ ...everything, proxyUids: ['1234'], proxyGids: ['4321'], mode: 'TPROXY' });
    expect(renderIstioIptablesFlags(intent).join(' ')).toBe(
      '-p 15001 -z 15006 -u 1234 -g 4321 -m TPROXY -i 10.0.0.0/8,2001:db8::/32 -x 10.1.0.0/16 -b 80,90-92 -d 15020 -q 443 -o 22,25 -k net1,net2 -c eth9',
    );
  });

  test('nothing captured is an empty text, not a missing flag', () => {
    const none = captureIntent({
      inbound: { ports: [], excludePorts: [] },
      outbound: { ...captureIntent({}).outbound, cidrs: [] },
    });
    const flags = renderIstioIptablesFlags(none);
    expect(flags[flags.indexOf('-i') + 1]).toBe('');
    expect(flags[flags.indexOf('-b') + 1]).toBe('');
  });
});
