import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { analyze } from '../../../src/mesh/report/analysis.ts';
import type { SecurityKind } from '../../../src/mesh/rules/object-ref.ts';
import { ruleKinds } from '../../../src/mesh/rules/rule-kinds.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { objectsOf } from '../../support/mesh/service-objects.ts';
import { rulesOf } from '../../support/mesh/rules.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

const pod = (namespace: string, address: string): JsonObject => ({
  kind: 'Pod',
  metadata: {
    namespace,
    name: 'cart',
    uid: `${namespace}-cart`,
    labels: { app: 'cart', 'security.istio.io/tlsMode': 'istio' },
  },
  spec: { serviceAccountName: 'cart', ...injectedParts() },
  status: { phase: 'Running', podIPs: [{ ip: address }] },
});

const endpoint = { addresses: ['10.1.2.3'], targetRef: { kind: 'Pod', namespace: 'shop', name: 'cart' } };
const objects = [
  pod('shop', '10.1.2.3'),
  pod('istio-system', '10.1.2.4'),
  ...objectsOf(
    'cart',
    { clusterIP: '10.96.0.5' },
    [{ name: 'http', port: 80 }],
    [['IPv4', [endpoint], { http: 8080 }]],
  ),
];

/** What the author of a PeerAuthentication is told that selects `cart`. */
function told(namespace: string, spec: JsonObject = {}): readonly string[] {
  const metadata = { namespace, name: 'p' };
  const whole = { selector: { matchLabels: { app: 'cart' } }, mtls: { mode: 'STRICT' }, ...spec };
  const rules = rulesOf([{ kind: 'PeerAuthentication', metadata, spec: whole }]);
  const verdicts = analyze({ ...worldOf(objects), rules }, domains);
  return verdicts.flatMap(({ findings }) =>
    findings.map(({ effect, field, code, sentence }) => `${effect} ${code} ${field}: ${sentence}`),
  );
}

test.each(['http', '0', '08080', '65536'])('ports are numbers of ports: %s', (port) => {
  expect(told('shop', { portLevelMtls: { [port]: { mode: 'STRICT' } } })).toContain(
    `refused InvalidValue /spec/portLevelMtls/${port}: "${port}": allowed: the number of a port`,
  );
});

test.each<[SecurityKind, JsonObject, JsonObject]>([
  ['PeerAuthentication', { mtls: { mode: 'PERMISSIVE' } }, { mtls: { mode: 'STRICT' } }],
  ['AuthorizationPolicy', { rules: [{}], action: 'ALLOW' }, { action: 'DENY', rules: [{}] }],
])('fields beside the spec of %s are refused, and the strictest counts', (kind, beside, strictest) => {
  const { spec, findings } = ruleKinds[kind].read({ kind, metadata: { namespace: 'shop', name: 'p' }, ...beside });
  expect(spec).toMatchObject(strictest);
  expect(findings.map(({ effect, field, sentence }) => `${effect} ${field}: ${sentence}`)).toEqual([
    ...Object.keys(beside).map((name) => `refused /${name}: there is no such field; fields of this kind stand in spec`),
    expect.stringContaining('the strictest counts'),
  ]);
});

test('ports are few, because each is kilobytes in the proxy', () => {
  const portsOf = (length: number): JsonObject => ({
    portLevelMtls: Object.fromEntries(Array.from({ length }, (_, index) => [index + 1, { mode: 'STRICT' }])),
  });
  expect(told('shop', portsOf(50))).toEqual([]);
  expect(told('shop', portsOf(51))).toContain('refused InvalidValue /spec/portLevelMtls: allowed: at most 50 ports');
});

describe('a PeerAuthentication with a selector', () => {
  test('is about pods of its namespace alone', () => {
    expect(told('shop')).toEqual([]);
    expect(told('other')).toEqual([
      'without-effect NoPods /spec/selector: there is no pod in namespace other with the labels app=cart',
    ]);
  });

  test('has no effect in the root namespace, for whose pods either', () => {
    expect(told('istio-system')).toEqual([
      'without-effect SelectorInRoot /spec/selector: in istio-system, the root namespace, only an object without a selector counts, for the whole mesh: put this one into the namespace of the pods',
    ]);
    expect(told('istio-system', { selector: {} })).toEqual([]);
  });

  test('with the port of a Service in the place of that of its pods is told which they have', () => {
    const mode = { mode: 'DISABLE' };
    expect(told('shop', { portLevelMtls: { 80: mode, 8080: mode, 9999: mode } })).toEqual([
      'warning PortOfService /spec/portLevelMtls/80: 80 is a port of Service shop/cart, and its pods listen on 8080: ports are those of containers',
    ]);
  });
});
