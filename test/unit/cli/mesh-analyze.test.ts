import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

const cart = `
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
`;

function virtualService(name: string, hosts: string, more = ''): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, creationTimestamp: "2026-01-0${name.length}T00:00:00Z"}
spec: {hosts: ${hosts}, http: [{route: [{destination: {host: cart}}]}]${more}}
`;
}

function destinationRule(host: string, namespace: string, more = ''): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: ${namespace}}
spec: {host: ${host}${more}}
`;
}

const analyze = (text: string, ...more: readonly string[]) =>
  runCommand(['mesh', 'analyze', '--filename', '-', ...more], text);

describe('mesh analyze', () => {
  test('says nothing but a sum of what is in order', async () => {
    expect(await analyze(cart + virtualService('a', '[cart]'))).toEqual({
      code: 0,
      stdout: '1 rule, 0 refused or without effect, 0 with warnings\n',
      stderr: '',
    });
  });

  test.each([
    [
      '[card]',
      '/spec/hosts/0: there is no Service card.default.svc.cluster.local, did you mean "cart.default.svc.cluster.local"?',
    ],
    ['[cart, cart.default]', '/spec/hosts/1: "cart.default" is no Service; write cart.default.svc.cluster.local'],
    ['["*.other.svc.cluster.local"]', '/spec/hosts/0: there is no Service *.other.svc.cluster.local'],
  ])('names hosts that do not exist: %s', async (hosts, sentence) => {
    const { code, stdout } = await analyze(cart + virtualService('a', hosts));
    expect(stdout).toContain(`VirtualService default/a\n  no effect: ${sentence} (NoSuchHost)\n`);
    expect(code).toBe(3);
  });

  test('names an older object for the same host', async () => {
    const { code, stdout } = await analyze(cart + virtualService('a', '[cart]') + virtualService('bb', '[cart]'));
    expect(stdout).toMatch(
      /VirtualService default\/bb\n {2}no effect: .*default\/a decides on cart\.default.*\(OlderObjectCounts\)/,
    );
    expect(code).toBe(3);
  });

  test('names subsets that go with their DestinationRule, or are taken out of it', async () => {
    const route = virtualService('a', '[cart]').replace('host: cart', 'host: cart, subset: v2');
    const subsets = (name: string) => destinationRule('cart', 'default', `, subsets: [{name: ${name}}]`);
    expect(await analyze(cart + route + subsets('v2'))).toMatchObject({ code: 0 });
    for (const text of [cart + route, cart + route + subsets('v1')]) {
      expect((await analyze(text)).stdout).toContain(
        'VirtualService default/a\n  warning: /spec/http/0/route/0/destination/subset: no DestinationRule of "cart" has a subset "v2"; add it there; the last good routes stay, if there are any (NoSuchSubset)\n',
      );
    }
  });

  test('names fields that are not understood, as JSON', async () => {
    const { code, stdout } = await analyze(cart + virtualService('a', '[cart]', ', htp: 1'), '--output', 'json');
    expect(JSON.parse(stdout)).toMatchObject([
      {
        kind: 'VirtualService',
        namespace: 'default',
        name: 'a',
        findings: [{ field: '/spec/htp', code: 'UnknownField' }],
      },
    ]);
    expect(code).toBe(3);
  });

  test('warns of a DestinationRule that only its own namespace follows', async () => {
    const of = (namespace: string) => analyze(cart + destinationRule('cart.default.svc.cluster.local', namespace));
    const other = await of('other');
    expect(other.stdout).toContain('counts only for clients in namespace other; for all clients, put it into default');
    expect(other.code).toBe(0);
    for (const namespace of ['default', 'istio-system'])
      expect((await of(namespace)).stdout).toMatch(/^1 rule, 0 refused/);
  });

  test('takes options that the command above it has, too', async () => {
    const rule = cart + destinationRule('cart.default.svc.cluster.local', 'other');
    expect((await analyze(rule)).stdout).toContain('counts only for clients in namespace other');
    expect((await analyze(rule, '--root-namespace', 'other')).stdout).toMatch(/^1 rule, 0 refused.*, 0 with/);
    const live = await runCommand(['mesh', 'analyze', '--live', '--kubeconfig', '/nowhere']);
    expect(live.stderr).toContain('/nowhere');
    expect(live.code).toBe(1);
  });

  test('a RateLimit has an effect where there are pods, and none without', async () => {
    const limit = (app: string): string =>
      `\n---\napiVersion: mesh.sidecar-injector.io/v1alpha1\nkind: RateLimit\nmetadata: {name: few}\nspec: {selector: {matchLabels: {app: ${app}}}, limits: [{requests: 1, per: Second}]}\n`;
    const pod =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: cart, labels: {app: cart, sidecar.istio.io/inject: "false"}}\nspec: {containers: [{name: a}]}\n';
    const found = await analyze(pod + limit('cart'));
    expect(found.stdout).toBe(`RateLimit default/few
  warning: /spec/selector: nothing enforces it for pods without a proxy of this mesh: default/cart (PodsWithoutProxy)
1 rule, 0 refused or without effect, 1 with warnings
`);
    expect(found.code).toBe(0);
    expect((await analyze(pod + limit('other'))).stdout).toContain('(NoPods)');
  });

  describe('pods that workloads of the files make', () => {
    const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, ports: [{containerPort: 8080}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
`;
    const strict = (app: string, more = '') =>
      `\n---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: strict}\nspec: {selector: {matchLabels: {app: ${app}}}, mtls: {mode: STRICT}${more}}\n`;

    test('are those that an object is about, as if they were injected', async () => {
      expect(await analyze(web + strict('web'))).toMatchObject({
        code: 0,
        stdout: '1 rule, 0 refused or without effect, 0 with warnings\n',
      });
      expect((await analyze(web + strict('wbe'))).stdout).toContain('(NoPods)');
    });

    test('have the ports to which Services lead', async () => {
      const { code, stdout } = await analyze(web + strict('web', ', portLevelMtls: {80: {mode: DISABLE}}'));
      expect(stdout).toContain(
        'warning: /spec/portLevelMtls/80: 80 is a port of Service default/web, and its pods listen on 8080: ports are those of containers (PortOfService)\n',
      );
      expect(code).toBe(0);
    });
  });

  describe('names objects that the mesh does not read', () => {
    const object = (apiVersion: string, kind: string, spec = '{}') =>
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\nspec: ${spec}\n`;
    const route = (parent: string) =>
      object('gateway.networking.k8s.io/v1alpha2', 'TCPRoute', `{parentRefs: [{kind: ${parent}, name: a}]}`);

    test.each<[string, string, string | undefined]>([
      [
        'a kind of istiod',
        object('security.istio.io/v1', 'RequestAuthentication'),
        '/kind: "RequestAuthentication" of security.istio.io is no kind that this mesh reads; it needs istiod (UnknownKind)',
      ],
      [
        'a kind that is misspelt',
        object('security.istio.io/v1', 'AuthorisationPolicy'),
        '/kind: "AuthorisationPolicy" of security.istio.io is no kind that this mesh reads, did you mean "AuthorizationPolicy"? (UnknownKind)',
      ],
      [
        'another version',
        object('security.istio.io/v2', 'AuthorizationPolicy', '{rules: [{}]}'),
        '/apiVersion: "security.istio.io/v2": this mesh reads security.istio.io/v1, security.istio.io/v1beta1 (UnknownVersion)',
      ],
      [
        'a kind in the group of another',
        object('networking.istio.io/v1', 'AuthorizationPolicy'),
        '/kind: "AuthorizationPolicy" of networking.istio.io is no kind that this mesh reads (UnknownKind)',
      ],
      [
        'a route of TCP for a Service',
        route('Service'),
        '/kind: "TCPRoute" of gateway.networking.k8s.io is no kind that this mesh reads; it needs istiod (UnknownKind)',
      ],
      ['but not one for a gateway', route('Gateway'), undefined],
      ['and nothing of others', object('example.com/v1', 'AuthorizationPolicy'), undefined],
    ])('%s', async (_, text, sentence) => {
      const { code, stdout } = await analyze(text);
      if (sentence === undefined) expect([code, stdout]).toEqual([0, expect.stringMatching(/^0 rules/)]);
      else {
        expect(stdout).toContain(` default/a\n`);
        expect(stdout).toContain(`  no effect: ${sentence}\n`);
        expect(code).toBe(3);
      }
    });
  });

  test('puts objects without a namespace where -n says', async () => {
    const { stdout } = await analyze(cart + virtualService('a', '[card]'), '-n', 'shop');
    expect(stdout).toContain('VirtualService shop/a\n');
  });

  test('says which rules in files the API server would not take, and which stand there twice', async () => {
    const wrong = virtualService('a', '[cart]').replace('io/v1', 'io/v2').replace('VirtualService', 'virtualservice');
    const unnamed = virtualService('', '[]').replace('name: ,', 'generateName: a-,');
    const twice = virtualService('bb', '[card]') + virtualService('bb', '[cart]');
    const elsewhere = virtualService('a', '[cart]', '').replace('networking.istio.io', 'example.com');
    expect(await analyze(cart + wrong + unnamed + twice + elsewhere)).toEqual({
      code: 3,
      stdout: `VirtualService default/
  refused: /metadata/name: must be there: a text (InvalidValue)
  no effect: /spec: there are no hosts, so that no request is meant: such an object is only for others to take in. Add hosts: [cart] (NoHosts)
VirtualService default/bb
  warning: /metadata/name: stands here more than once; only the last one counts (GivenTwice)
virtualservice default/a
  no effect: /kind: "virtualservice" of networking.istio.io is no kind that this mesh reads, did you mean "VirtualService"? (UnknownKind)
2 rules, 2 refused or without effect, 1 with warnings
`,
      stderr: '',
    });
  });

  test('wants something to look at, and files that can be read', async () => {
    expect(await runCommand(['mesh', 'analyze'])).toMatchObject({
      code: 2,
      stderr: 'error: there is nothing to look at\nhint: give -f FILE, --live or both\n',
    });
    expect(await analyze('{')).toMatchObject({ code: 1, stdout: '' });
  });
});
