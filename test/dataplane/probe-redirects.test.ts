import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { probe, proxyIntent } from '../support/builders/proxy-intent.ts';
import { selfSigned } from '../support/http/self-signed.ts';
import { startAgent, type Agent, type Answer, type Heard } from '../support/network/agent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';

/** Path at which the agent redirects to a place. */
function moved(place: string): string {
  return `/moved?to=${encodeURIComponent(place)}`;
}

function chain(length: number, end: string): string {
  return Array.from({ length }).reduce<string>(moved, end);
}

describe.each(['v4', 'v6'] as const)('redirects of probes in a pod whose address is %s', (family) => {
  const address = addresses.pod[family];
  const host = family === 'v4' ? address : `[${address}]`;
  const elsewhere = family === 'v4' ? addresses.cluster.v4 : `[${addresses.cluster.v6}]`;

  /** Where the kubelet ends, by name of a probe's container: the path that is probed, status, and what was asked last. */
  const http: Record<string, readonly [path: string, status: number, asked?: string]> = {
    'same-path-with-a-slash': [moved('/status/503'), 503, '/status/503'],
    'good-page': [moved('/status/204?x=%20y#z'), 204],
    'relative-path': [moved('status/200'), 200, '/status/200'],
    dots: [moved('/a/./b/../../status/200'), 200, '/status/200'],
    'query-alone': [moved('?to=/status/418'), 418, '/status/418'],
    'empty-location': ['/moved?to=', 302],
    nine: [chain(9, '/status/200?nine'), 200, '/status/200?nine'],
    ten: [chain(10, '/status/200'), 502],
    loop: ['/moved?to=%23', 502],
    absolute: [moved(`http://${host}:8080/status/503`), 503, '/status/503'],
    'upper-case-scheme': [moved(`HTTP://${host}:8080/status/200`), 200, '/status/200'],
    'other-port': [moved(`http://${host}:8081/status/429`), 429, '/status/429'],
    'network-path': [moved(`//${host}:8081/status/200`), 200, '/status/200'],
    'closed-port': [moved(`http://${host}:8099/status/200`), 503],
    'to-https': [moved(`https://${host}:8443/status/500`), 500, '/status/500'],
    'there-and-back': [moved(`https://${host}:8443${moved(`http://${host}:8080/status/403`)}`), 403, '/status/403'],
    'other-host': [moved(`http://${elsewhere}:8080/status/503`), 302],
    'other-name': [moved('http://shop.example/status/503'), 302],
    'other-host-at-last': [moved('/moved?status=307&to=http://shop.example/'), 307],
    'other-scheme': [moved(`ftp://${host}/`), 502],
    opaque: [moved('mailto:someone'), 302],
    'bad-port': [moved(`http://${host}:x/`), 503],
    'not-modified': ['/moved?status=304&to=/status/503', 304],
    'multiple-choices': ['/moved?status=300&to=/status/503', 300],
    permanent: ['/moved?status=301&to=/status/503', 503],
    'see-other': ['/moved?status=303&to=/status/503', 503],
    temporary: ['/moved?status=307&to=/status/503', 503],
    'permanent-redirect': ['/moved?status=308&to=/status/503', 503],
    created: ['/moved?status=201&to=/status/503', 201],
    'proxy-itself': [moved(`http://${host}:15020/app-health/good-page/readyz`), 502],
    'proxy-itself-with-zeros': [moved(`http://${host}:0015020/app-health/proxy-itself-with-zeros/readyz`), 502],
    umlaut: [moved('/ü b'), 200, '/%FC%20b'],
  };
  const redirected = Object.entries(http);
  const onPort = (path: string, port: number, scheme: 'HTTP' | 'HTTPS' = 'HTTP') =>
    ({ type: 'http', scheme, port, path }) as const;
  const probes = [
    ...redirected.map(([container, [path]]) =>
      probe('readyz', onPort(path, 8080), { container, path: `/app-health/${container}/readyz` }),
    ),
    probe('livez', onPort(moved('/status/503'), 8443, 'HTTPS')),
    probe('startupz', onPort(moved(`http://${host}:8080/status/200`), 8443, 'HTTPS')),
    probe('prestopz', onPort(moved('/status/503'), 8080), { timeoutSeconds: 0 }),
    probe('poststartz', onPort('/', 8099), { timeoutSeconds: 0 }),
    probe('poststartz', onPort(moved(`http://${host}:8099/`), 8080), {
      container: 'closed',
      path: '/app-lifecycle/closed/poststartz',
      timeoutSeconds: 0,
    }),
    probe('poststartz', onPort(chain(10, '/'), 8080), {
      container: 'loop',
      path: '/app-lifecycle/loop/poststartz',
      timeoutSeconds: 0,
    }),
  ];

  let pod: PodNamespace;
  let envoy: RunningEnvoy;
  let app: Agent;
  let kubelet: Agent;

  beforeAll(async () => {
    pod = createPodNamespace(`redirects-${family}`);
    captureTraffic(pod, captureIntent());
    envoy = await startEnvoy(pod, proxyIntent({ probes }), { family });
    app = await startAgent(pod.name.pod, 1000);
    kubelet = await startAgent(pod.name.cluster);
    await app.listen({ kind: 'http', port: 8080 });
    await app.listen({ kind: 'http', port: 8081 });
    await app.listen({ kind: 'http', port: 8443, tls: selfSigned() });
    await kubelet.listen({ kind: 'http', port: 8080 });
  });

  afterAll(async () => {
    await envoy.stop();
    await app.stop();
    await kubelet.stop();
    pod.remove();
  });

  function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return kubelet.ask({ url: `http://${host}:15020${path}`, headers });
  }

  function header({ rawHeaders }: Pick<Answer, 'rawHeaders'>, name: string): string | undefined {
    const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
    return at < 0 ? undefined : rawHeaders[at + 1];
  }

  test.each(redirected)('%s', async (container, [, status, asked]) => {
    const answer = await get(`/app-health/${container}/readyz`);
    expect([answer.status, header(answer, 'location')]).toEqual([status, undefined]);
    if (asked !== undefined) expect((JSON.parse(answer.body) as Heard).url).toBe(asked);
  });

  test('over HTTPS, also to HTTP', async () => {
    expect((await get('/app-health/web/livez')).status).toBe(503);
    expect((await get('/app-health/web/startupz')).status).toBe(200);
  });

  test('the headers of the probe go along; the host as Go has it', async () => {
    const heard = async (container: string, headers: Record<string, string>): Promise<Heard> =>
      JSON.parse((await get(`/app-health/${container}/readyz`, headers)).body) as Heard;
    const relative = await heard('relative-path', { 'x-token': 't', host: 'shop.example' });
    expect([header(relative, 'x-token'), header(relative, 'host')]).toEqual(['t', 'shop.example']);
    const absolute = await heard('other-port', { 'x-token': 't', host: 'shop.example' });
    expect([header(absolute, 'x-token'), header(absolute, 'host')]).toEqual(['t', `${host}:8081`]);
    expect(header(await heard('dots', {}), 'host')).toBe(`${host}:8080`);
  });

  test('any response ends a hook, and without one it fails for the kubelet: a URL that none can follow', async () => {
    expect(await get('/app-lifecycle/web/prestopz')).toMatchObject({ status: 503 });
    const refused = await get('/app-lifecycle/web/poststartz');
    expect([refused.status, header(refused, 'location')]).toEqual([302, ':no response']);
    const loop = await get('/app-lifecycle/loop/poststartz');
    expect([loop.status, header(loop, 'location')]).toEqual([302, ':redirected to /']);
    const closed = await get('/app-lifecycle/closed/poststartz');
    expect([closed.status, header(closed, 'location')]).toEqual([302, ':no response']);
  });

  test('nobody else gets anywhere by the way of a probe', async () => {
    expect((await get('/app-health/good-page/readyz?to=/')).status).toBe(404);
    const spoofed = await get('/app-health/relative-path/readyz', { 'x-envoy-original-dst-host': `${elsewhere}:8080` });
    expect((JSON.parse(spoofed.body) as Heard).localPort).toBe(8080);
    expect((JSON.parse(spoofed.body) as Heard).localAddress).toContain(address);
  });
});
