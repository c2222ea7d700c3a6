import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

function workload(name: string, version: string, replicas: number): string {
  return `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: cart, version: ${version}}}
  template:
    metadata: {labels: {app: cart, version: ${version}}}
    spec:
      serviceAccountName: cart
      containers: [{name: app, image: cart, ports: [{name: web, containerPort: 8080}]}]
`;
}

const services = `
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: web}]}
${workload('cart-v1', 'v1', 2)}${workload('cart-v2', 'v2', 1)}
`;

const rules = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart}
spec:
  host: cart
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec:
  hosts: [cart]
  http:
    - name: canary
      match: [{headers: {x-canary: {exact: "yes"}}}]
      route: [{destination: {host: cart, subset: v2}}]
    - timeout: 5s
      route:
        - {destination: {host: cart, subset: v1}, weight: 90}
        - {destination: {host: cart, subset: v2}, weight: 10}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: wrong, namespace: other}
spec: {host: cart.default.svc.cluster.local}
`;

const explain = (text: string, ...words: readonly string[]) =>
  runCommand(['mesh', 'explain', ...words, '-f', '-'], text);

const assumed =
  'note: pods and addresses that the files do not have are assumed, as if the cluster had injected the pods in mode mesh by the built-in settings\n';

describe('mesh explain', () => {
  test('says what a call meets, and why', async () => {
    expect(await explain(services + rules, 'deploy/cart-v1', 'http://cart/api')).toEqual({
      code: 0,
      stderr: '',
      stdout: `GET http://cart:80/api from pod default/cart-v1-0
${assumed}Listener   <address of Service default/cart>_80, Service default/cart; filter chain http, read as HTTP
Route      VirtualService default/cart /spec/http/1
  for all requests
  timeout 5s, up to 2 retries on connect-failure, refused-stream, reset-before-request at another endpoint if there is one
  not canary, VirtualService default/cart /spec/http/0/match/0: header x-canary is absent, wanted: exact "yes"
Clusters
  90 %  outbound|80|v1|cart.default.svc.cluster.local
    <address of pod default/cart-v1-0>:8080  pod default/cart-v1-0  healthy  mutual TLS  PERMISSIVE, lets it in
    <address of pod default/cart-v1-1>:8080  pod default/cart-v1-1  healthy  mutual TLS  PERMISSIVE, lets it in
    endpoint: the one of two with fewer requests
    connection: mutual TLS, server name outbound_.80_._.cart.default.svc.cluster.local, certificate of spiffe://cluster.local/ns/default/sa/cart
    limits: connect timeout 10s, no others
    ejection: an endpoint gets nothing for 30s times the number of its ejections after 3 answers 5xx and failures to connect in a row; looked at every 10s
              at most 1 at once (10 % of 2 endpoints is 0.2, but one always), so 1 always stays
    said by DestinationRule default/cart /spec/subsets/0, /spec/trafficPolicy
  10 %  outbound|80|v2|cart.default.svc.cluster.local
    <address of pod default/cart-v2-0>:8080  pod default/cart-v2-0  healthy  mutual TLS  PERMISSIVE, lets it in
    endpoint: the one of two with fewer requests
    connection: mutual TLS, server name outbound_.80_._.cart.default.svc.cluster.local, certificate of spiffe://cluster.local/ns/default/sa/cart
    limits: connect timeout 10s, no others
    ejection: an endpoint gets nothing for 30s times the number of its ejections after 3 answers 5xx and failures to connect in a row; looked at every 10s
              at most 1 at once (10 % of 1 endpoint is 0.1, but one always), so all can be out, and requests then fail with 503
    said by DestinationRule default/cart /spec/subsets/1, /spec/trafficPolicy
Objects that do not count here, or not as they may be meant
  no effect: DestinationRule other/wrong /metadata/namespace: counts only for clients in namespace other; for all clients, put it into default, the namespace of cart.default.svc.cluster.local (OwnNamespaceOnly)
`,
    });
  });

  test('as JSON, with the header that is given', async () => {
    const words = ['deploy/cart-v1', 'cart:80', '--path', '/api', '--header', 'X-Canary=yes', '-o', 'json'];
    const { code, stdout } = await explain(services + rules, ...words);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      client: { pod: 'default/cart-v1-0', workload: { kind: 'Deployment', name: 'cart-v1' }, hasProxy: true },
      call: {
        scheme: 'http',
        host: 'cart',
        port: 80,
        request: { method: 'GET', path: '/api', headers: { 'x-canary': 'yes' } },
      },
      destination: { address: '<address of Service default/cart>', service: 'default/cart' },
      route: {
        name: 'canary',
        origin: { ref: { kind: 'VirtualService', namespace: 'default', name: 'cart' }, field: '/spec/http/0/match/0' },
      },
      outcome: {
        type: 'forward',
        shares: [{ cluster: 'outbound|80|v2|cart.default.svc.cluster.local', percent: 100 }],
      },
    });
    expect(stdout).not.toContain('240.');
    expect(stdout).not.toContain('generation');
  });

  test('what a proxy answers by itself', async () => {
    const answer = rules.replace(/http:\n[^]*?---/, 'http: [{directResponse: {status: 418}}]\n---');
    const { stdout } = await explain(services + answer, 'deploy/cart-v1', 'cart');
    expect(stdout).toContain("  answered by the client's proxy with 418: the route says so\n");
    expect(stdout).not.toContain('Clusters');
  });

  test('what the servers make of it', async () => {
    const security = `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers}
spec: {rules: [{to: [{operation: {methods: [GET]}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-admin}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}
`;
    const lines = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await explain(services + security, 'deploy/cart-v1', ...words);
      return stdout.split('\n').filter((line) => line.includes('cart-v2-0>') || line.includes('modes:'));
    };
    const row = '    <address of pod default/cart-v2-0>:8080  pod default/cart-v2-0  healthy  mutual TLS  STRICT, ';
    const modes = '    modes: PeerAuthentication default/strict';
    expect(await lines('cart')).toEqual([
      `${row}lets it in by AuthorizationPolicy default/readers /spec/rules/0`,
      modes,
    ]);
    expect(await lines('cart/admin')).toEqual([
      `${row}answers 403: denied by AuthorizationPolicy default/no-admin /spec/rules/0`,
      modes,
    ]);
    expect(await lines('cart', '--method', 'PUT')).toEqual([
      `${row}answers 403: allowed by no rule of AuthorizationPolicy default/readers`,
      modes,
    ]);
    // Nobody sees the path in TLS, so what denies by it denies all.
    expect(await lines('https://cart:80')).toEqual([
      `${row}closes it: denied by AuthorizationPolicy default/no-admin /spec/rules/0`,
      modes,
    ]);
  });

  test('how many requests the servers let in', async () => {
    const limit = `
---
apiVersion: mesh.sidecar-injector.io/v1alpha1
kind: RateLimit
metadata: {name: few}
spec: {limits: [{requests: 10, per: Second, burst: 20}, {match: {paths: [/a]}, requests: 1, per: Minute}]}
`;
    const lines = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await explain(services + limit, 'deploy/cart-v1', ...words);
      return stdout.split('\n').filter((line) => line.includes('rate:'));
    };
    const all =
      '    rate: each pod lets in 10 requests a second, 20 at once after a pause by RateLimit default/few /spec/limits/0, and answers others with 429';
    expect(await lines('cart')).toEqual([all]);
    expect(await lines('cart/a')).toEqual([
      all,
      '    rate: each pod lets in 1 request a minute by RateLimit default/few /spec/limits/1, and answers others with 429',
    ]);
  });

  test('TLS of the application, which no route sees', async () => {
    const { stdout } = await explain(services + rules, 'deploy/cart-v1', 'https://cart:80');
    expect(stdout).toContain('filter chain tcp, read as bytes\nRoute      none: bytes are not compared with routes\n');
  });

  test('bytes where only HTTP is taken', async () => {
    const { stdout } = await explain(services + rules, 'deploy/cart-v1', 'tcp://cart:80');
    expect(stdout).toContain(
      "filter chain http, read as HTTP\nRoute      none\n  answered by the client's proxy with 400: nothing but HTTP is taken at this port\n",
    );
    expect(stdout).not.toContain('Clusters');
  });

  test('a client without a proxy of the mesh', async () => {
    const without = services.replaceAll(
      '{app: cart, version: v1}}\n    spec',
      '{app: cart, version: v1, sidecar.istio.io/inject: "false"}}\n    spec',
    );
    expect(await explain(without, 'deploy/cart-v1', 'cart')).toEqual({
      code: 0,
      stderr: '',
      stdout: `GET http://cart:80/ from pod default/cart-v1-0
${assumed}note: pod default/cart-v1-0 has no proxy of the mesh: no rule counts for its calls, and Kubernetes leads them to a ready endpoint as they are
`,
    });
  });

  test('settings of the pod count', async () => {
    const text = services.replace('port: 80,', 'port: 9000,').replace('name: http, ', '');
    const opaque = await explain(text, 'deploy/cart-v1', 'cart:9000');
    expect(opaque.stdout).toContain('read as bytes');
    const labels = '{app: cart, version: v1}}\n    spec';
    const annotated = text.replace(
      labels,
      `{app: cart, version: v1}, annotations: {sidecar-injector.io/httpPorts: "9000"}}\n    spec`,
    );
    expect((await explain(annotated, 'deploy/cart-v1', 'cart:9000')).stdout).toContain('read as HTTP');
  });

  test.each<[readonly string[], number, string]>([
    [
      ['cart', 'cart:80'],
      2,
      'error: SRC: "cart" is not a client\nhint: write KIND/NAME and the namespace with -n, such as pod/web-1 -n shop or deploy/web -n shop\n',
    ],
    [
      ['deploy/cart-v1', 'ftp://cart'],
      2,
      'error: DST: "ftp" is not a scheme\nhint: use one of http, https, grpc, tcp\n',
    ],
    [
      ['deploy/cart-v1', 'http:/cart'],
      2,
      'error: DST: "http:/cart" is not a destination\nhint: write a URL or HOST:PORT, such as http://reviews:9080/api\n',
    ],
    [
      ['deploy/cart-v1', 'tcp://cart'],
      2,
      'error: DST: "tcp://cart" has no port\nhint: write the port, such as tcp://cart:9080\n',
    ],
    [
      ['deploy/cart-v1', 'cart/a', '--path', '/b'],
      2,
      'error: --path: DST has a path, too\nhint: give one of the two\n',
    ],
    [
      ['deploy/cart-v1', 'cart', '--header', 'x-canary: yes'],
      2,
      'error: --header: "x-canary: yes" is not a header\nhint: write NAME=VALUE, such as x-canary=yes\n',
    ],
    [
      ['deploy/cart-v1', 'cart', '--method', 'G T'],
      2,
      'error: --method: "G T" is not a method\nhint: write one such as POST\n',
    ],
    [
      ['deploy/cart-v3', 'cart'],
      1,
      'error: there is no pod of deployment/cart-v3 in namespace "default", did you mean "cart-v1"?\nhint: name a pod or a workload that has one, and its namespace with -n\n',
    ],
    [
      ['deploy/cart-v1', 'card'],
      1,
      'error: there is no Service card.default.svc.cluster.local, did you mean "cart.default.svc.cluster.local"?\nhint: name a Service as the client would, or an address\n',
    ],
    [
      ['deploy/cart-v1', 'cart:81'],
      1,
      'error: Service default/cart has no port 81; it has 80\nhint: give one of its ports\n',
    ],
  ])('%j is refused', async (words, code, stderr) => {
    expect(await explain(services, ...words)).toEqual({ code, stdout: '', stderr });
  });

  test.each([['pod/cart-v1-0'], ['po/cart-v1-0'], ['deployments/cart-v1'], ['Deployment/cart-v1']])(
    '%s is a client',
    async (src) => {
      expect((await explain(services, src, 'cart')).stdout).toMatch(
        /^GET http:\/\/cart:80\/ from pod default\/cart-v1-0\n/,
      );
    },
  );

  test('the documentation shows what it prints', async () => {
    const folder = path.join(root, 'examples/httpd');
    const { stdout } = await runCommand(['mesh', 'explain', 'deploy/httpd', 'http://httpd/', '-f', folder]);
    expect(readFileSync(path.join(root, 'docs/mesh.md'), 'utf8')).toContain(stdout);
  });
});
