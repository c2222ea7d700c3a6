import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { visitShop } from '../../scripts/demo/shop.ts';
import { clusterKubeconfig, type ClusterNamespace, type RunningPod } from '../support/cluster/cluster-namespace.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { openLeavers, type Leavers, type PlaneMode } from '../support/cluster/way-out.ts';
import { startLoad, type Load } from '../support/http/load.ts';
import { until } from '../support/waiting.ts';

/*
 * The way out: the same manifests have the same effect with the control plane of the mesh and with a living istiod. Nothing here asks what
 * only one of them tells (conditions, metrics): clients count answers, and applications what has come to them.
 */

jest.setTimeout(600_000);

/** The sidecar's image in each mode. */
const images: Readonly<Record<PlaneMode, string>> = {
  mesh: 'envoyproxy/envoy:v1.40.0',
  istiod: 'cluster.test/istio/proxyv2:1',
};

let leavers: Leavers;
let namespace: ClusterNamespace;

beforeAll(async () => {
  leavers = await openLeavers();
  ({ namespace } = leavers);
});
afterAll(() => leavers?.remove());

/** Asks from a pod, and returns how many answers there were of each status; 0 for none. */
async function statuses(
  pod: string,
  url: string,
  ...options: readonly string[]
): Promise<Readonly<Record<string, number>>> {
  const curl = ['curl', '-s', '-o/dev/null', '-w%{http_code}\n', '--max-time', '10', ...options, url];
  const { stdout } = await namespace.tryKubectl('exec', pod, '--container=app', '--', ...curl);
  const groups = Map.groupBy(stdout.trim().split('\n').map(Number), String);
  return Object.fromEntries([...groups].map(([status, all]) => [status, all.length]));
}

/** Asks until the answers are the wanted ones: neither control plane says when its proxies have a change in the same way. */
async function untilAnswered(wanted: object, pod: string, url: string, ...options: readonly string[]): Promise<void> {
  let found: object = {};
  const text = JSON.stringify(wanted);
  await until(
    () => `${pod} asks ${url}, wanted ${text}, found ${JSON.stringify(found)}`,
    async () => {
      found = await statuses(pod, url, ...options);
      return JSON.stringify(found) === text || undefined;
    },
  );
}

/** What web answers to the client: the status, headers as curl writes them, and the body. */
async function answer(url: string, ...options: readonly string[]): Promise<string> {
  return namespace.exec('client/app', 'curl', '-si', '--max-time', '10', ...options, url);
}

/** How often the application of some pods has logged a text. */
async function timesLogged(text: string, selector: string, container = 'httpd'): Promise<number> {
  const log = await namespace.kubectl('logs', `--selector=${selector}`, `--container=${container}`, '--tail=-1');
  return log.split(text).length - 1;
}

/** Sends requests to httpd, and returns how many of them the applications of each version have had. */
async function versionsAsked(
  count: number,
  name: string,
  ...options: readonly string[]
): Promise<Readonly<Record<'v1' | 'v2', number>>> {
  expect(await statuses('client', `http://httpd/?${name}=[1-${count}]`, ...options)).toEqual({ 200: count });
  return until(`applications have logged ${count} requests`, async () => {
    const [v1 = 0, v2 = 0] = await Promise.all(
      ['v1', 'v2'].map((version) => timesLogged(`/?${name}=`, `app=httpd,version=${version}`)),
    );
    return v1 + v2 >= count ? { v1, v2 } : undefined;
  });
}

/** What is the same in both modes. */
const describeMode = (mode: PlaneMode) => () => {
  beforeAll(async () => {
    await until('rules are in force', async () => {
      const text = await answer('http://web/?answer=direct');
      return text.includes(' 203 ') || undefined;
    });
  });

  test('pods have the sidecar of the mode', async () => {
    const pods = await namespace.pods('app in (httpd, web, mirror, frontend, catalog, cart, orders)');
    expect(pods.length).toBeGreaterThanOrEqual(8);
    const found = pods.map(({ spec }) => spec.initContainers?.find(({ name }) => name === 'istio-proxy')?.image);
    expect(new Set(found)).toEqual(new Set([images[mode]]));
  });

  test('a tenth of the requests come to version v2, and all with the header', async () => {
    const { v1, v2 } = await versionsAsked(1_000, `split-${mode}`);
    expect(Math.abs(v2 / (v1 + v2) - 0.1)).toBeLessThanOrEqual(0.05);
    expect(await versionsAsked(200, `canary-${mode}`, '-Hcanary: true')).toEqual({ v1: 0, v2: 200 });
  });

  test('retries hide an application that fails two of three times, and of many requests at once only some get through', async () => {
    await leavers.useFlakyVersion();
    const [pod] = await namespace.pods('app=httpd,version=v2');
    // No rule is about its own address.
    expect(await statuses('client', `http://${pod?.status.podIP}:8080/flaky?of=3&[1-30]`)).toEqual({
      200: 10,
      503: 20,
    });
    expect(await statuses('client', 'http://httpd/flaky?of=3&[1-30]', '-Hcanary: true')).toEqual({ 200: 30 });
    const together = ['--parallel', '--parallel-immediate', '--parallel-max', '60', '-Hcanary: true'];
    const answers = await statuses('client', 'http://httpd/wait?ms=800&[1-60]', ...together);
    expect(answers).toEqual({ 200: expect.any(Number), 503: expect.any(Number) });
    // Ten that are answered and ten that wait, or are being connected; each of two threads may count one too many.
    expect(answers['200']).toBeGreaterThanOrEqual(10);
    expect(answers['200']).toBeLessThanOrEqual(22);
    await leavers.useNextVersion();
  });

  test('a timeout, faults, a redirect, a rewritten request and a direct answer', async () => {
    expect(await statuses('client', 'http://web/wait?ms=2000')).toEqual({ 504: 1 });
    expect(await statuses('client', 'http://web/wait?ms=10')).toEqual({ 200: 1 });
    expect(await statuses('client', 'http://web/?[1-10]', '-Hfault: abort')).toEqual({ 418: 10 });
    const timed = ['-s', '-o/dev/null', '-w%{time_total}', '-Hfault: delay', 'http://web/'];
    const slow = await namespace.exec('client/app', 'curl', ...timed);
    expect(Number(slow)).toBeGreaterThanOrEqual(0.7);
    const moved = await answer('http://web/leaves');
    expect(moved).toMatch(/^HTTP\/1.1 308 /);
    expect(moved).toMatch(/^location: http:\/\/web\/arrives\r$/im);
    const rewritten = await answer('http://web/old/thing', '-Hx-removed: still here');
    expect(rewritten).toMatch(/^x-answered: yes\r$/im);
    expect(rewritten).toContain('"url":"/new/thing"');
    expect(rewritten).toContain('"x-set":"here"');
    expect(rewritten).not.toContain('still here');
    expect(await answer('http://web/?answer=direct')).toMatch(/^HTTP\/1.1 203 [^]*\r\n\r\ndirect$/);
  });

  test('copies of the requests to one path arrive, and the answer is not theirs', async () => {
    const asked = async (path: string): Promise<void> => {
      expect(await statuses('client', `http://web${path}[1-20]`)).toEqual({ 200: 20 });
    };
    await asked(`/items?${mode}=`);
    await asked(`/item/7?${mode}=`);
    expect(await answer(`http://web/item/8?${mode}=21`)).toMatch(/"host":"web-/);
    const copies = () => timesLogged(`?${mode}=`, 'app=mirror', 'app');
    let found = 0;
    await until(
      () => `copies of 21 requests, found ${found}`,
      async () => {
        found = await copies();
        return found >= 21 || undefined;
      },
    );
    // Those of the other path came before.
    expect(found).toBe(21);
  });

  test('the shop’s services call each other, and who may is decided by their service accounts', async () => {
    const call = (...args: string[]) => kubectl(clusterKubeconfig(), args);
    const whole = { service: 'frontend', next: { next: { service: 'cart', next: { service: 'orders' } } } };
    let said = '';
    const untilChain = (what: string, isWanted: () => boolean) =>
      until(
        () => `${what}: ${said}`,
        async () => {
          said = await visitShop(call, namespace.name, 1);
          return isWanted() || undefined;
        },
      );
    const isBroken = () => said.includes('"error"');
    await untilChain('the whole shop answers', () => !isBroken());
    expect(JSON.parse(said)).toMatchObject(whole);
    const policy = (account: string) =>
      namespace.apply({
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'orders' },
        spec: {
          selector: { matchLabels: { app: 'orders' } },
          rules: [{ from: [{ source: { principals: [`cluster.local/ns/${namespace.name}/sa/${account}`] } }] }],
        },
      });
    await policy('catalog');
    await untilChain('orders takes nothing from cart', isBroken);
    await policy('cart');
    await untilChain('orders takes it again', () => !isBroken());
    expect(JSON.parse(said)).toMatchObject(whole);
    await namespace.kubectl('delete', 'authorizationpolicy', 'orders');
  });

  test('with STRICT no plain text is taken, and an AuthorizationPolicy lets in one service account', async () => {
    for (const pod of ['outside', 'client', 'front']) await untilAnswered({ 200: 1 }, pod, 'http://httpd/');
    await namespace.apply(
      'apiVersion: security.istio.io/v1beta1\nkind: PeerAuthentication\nmetadata:\n  name: default\nspec:\n  mtls:\n    mode: STRICT\n',
    );
    await untilAnswered({ 0: 1 }, 'outside', 'http://httpd/');
    expect(await statuses('client', 'http://httpd/?[1-50]')).toEqual({ 200: 50 });
    await namespace.apply({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'httpd' },
      spec: {
        selector: { matchLabels: { app: 'httpd' } },
        rules: [
          {
            from: [{ source: { principals: [`cluster.local/ns/${namespace.name}/sa/front`] } }],
            to: [{ operation: { methods: ['GET'], paths: ['/'] } }],
          },
        ],
      },
    });
    await untilAnswered({ 403: 20 }, 'client', 'http://httpd/?[1-20]');
    // With istiod, one request on each connection that was open may still pass.
    await untilAnswered({ 403: 20 }, 'front', 'http://httpd/other?[1-20]');
    await untilAnswered({ 403: 20 }, 'front', 'http://httpd/?[1-20]', '-XPOST');
    await untilAnswered({ 200: 20 }, 'front', 'http://httpd/?[1-20]');
    expect(await statuses('outside', 'http://httpd/')).toEqual({ 0: 1 });
    await namespace.kubectl('delete', 'authorizationpolicies,peerauthentications', '--all');
    for (const pod of ['outside', 'client', 'front']) await untilAnswered({ 200: 20 }, pod, 'http://httpd/?[1-20]');
  });

  test('after five requests to the limited path the sixth is one too many', async () => {
    await leavers.limit();
    await until('the limit counts', async () => {
      const asked = await statuses('client', 'http://web/limited?[1-6]');
      return (asked['429'] ?? 0) > 0 || undefined;
    });
    // As with policies: with istiod, one request on a connection that was open may still pass.
    await untilAnswered({ 429: 20 }, 'client', 'http://web/limited?[1-20]');
    expect(await statuses('client', 'http://web/other?[1-20]')).toEqual({ 200: 20 });
    expect(await statuses('client', 'http://web/limited', '-XPOST')).toEqual({ 200: 1 });
  });
};

describe('mode mesh', describeMode('mesh'));

test('no request is lost while the servers move to istiod, by clients with either sidecar or none, nor by those without istiod at the end', async () => {
  const ask = (more: object = {}) => startLoad(namespace, { url: 'http://web/', perSecond: 30, ...more });
  const isOf = async (load: Load): Promise<string> => {
    const { spec } = await namespace.get<RunningPod>('pod', load.pod);
    return spec.initContainers?.find(({ name }) => name === 'istio-proxy')?.image ?? 'none';
  };
  const [staying, outside] = [await ask({ metadata: {} }), await ask()];
  await leavers.installIstiod();
  const moved = await ask({ metadata: {} });
  const loads = [staying, outside, moved];
  expect(await Promise.all(loads.map(isOf))).toEqual([images.mesh, 'none', images.istiod]);
  await leavers.rollOut();
  // When mutual TLS comes back, istiod tells clients and servers independently of each other, and a request may fail.
  const last = await moved.stop();
  await leavers.end();
  const figures = [last, await staying.stop(), await outside.stop()];
  expect(figures.map(({ outcomes }) => outcomes)).toEqual(figures.map(({ sent }) => ({ 200: sent })));
  for (const { sent } of figures) expect(sent).toBeGreaterThan(500);
});

describe('mode istiod', describeMode('istiod'));
