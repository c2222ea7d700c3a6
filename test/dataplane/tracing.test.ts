import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { eventually } from '../support/waiting.ts';
import { startAgent, type Agent, type Heard } from '../support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${traceId}-b7ad6b7169203331-01`;
const url = `http://${addresses.pod.v4}:8080/`;

let pod: PodNamespace;
let app: Agent;
let outside: Agent;

beforeAll(async () => {
  pod = createPodNamespace('tracing');
  captureTraffic(pod, captureIntent());
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
});

afterAll(async () => {
  await app.stop();
  await outside.stop();
  pod.remove();
});

type Headers = Readonly<Record<string, string>>;

/** The value of a header as the application gets it. */
async function arriving(header: string, headers: Headers = {}): Promise<string | undefined> {
  const { status, body } = await outside.ask({ url, headers });
  expect(status).toBe(200);
  const { rawHeaders } = JSON.parse(body) as Heard;
  return rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === header) + 1];
}

/** What the application is told of the trace. */
function traceparent(headers: Headers = {}): Promise<string | undefined> {
  return arriving('traceparent', headers);
}

describe('with a collector', () => {
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    const tracing = { host: addresses.cluster.v4, port: 4317, samplingPercent: 100 };
    envoy = await startEnvoy(pod, proxyIntent({ tracing }));
    await outside.listen({ kind: 'collector', port: 4317 });
  });

  afterAll(async () => {
    await envoy.stop();
    await outside.close({ port: 4317 });
  });

  test('a trace goes on, with a span of the proxy’s own', async () => {
    const heard = await traceparent({ traceparent: parent });
    expect(heard).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(heard).not.toBe(parent);
    const [, , span = ''] = heard?.split('-') ?? [];
    const bytes = async (): Promise<Buffer> =>
      Buffer.concat((await outside.collected()).map((body) => Buffer.from(body, 'base64')));
    const all = await eventually(bytes, (found) => found.includes(Buffer.from(span, 'hex')), 15_000);
    expect(all.includes(Buffer.from(traceId, 'hex'))).toBe(true);
    expect(all.includes(Buffer.from(span, 'hex'))).toBe(true);
    expect(all.includes('web.shop')).toBe(true);
  }, 20_000);

  test('a request without a trace begins one', async () => {
    expect(await traceparent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test.each(['11111111-2222-4333-8444-555555555555', '11111111-2222-9333-8444-555555555555', 'order-42'])(
    'the id of a request, %j, stays as it is, and has no say in what is traced',
    async (id) => {
      const headers = { 'X-Request-Id': id };
      expect(await traceparent(headers)).toMatch(/-01$/);
      expect(await arriving('x-request-id', headers)).toBe(id);
    },
  );

  test('an id that the proxy gives is a valid UUID', async () => {
    expect(await arriving('x-request-id')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test('a caller who does not want to be traced is not', async () => {
    expect(await traceparent({ traceparent: parent.replace(/01$/, '00') })).toMatch(/-00$/);
  });
});

describe.each([
  ['whose name does not resolve', 'collector.nowhere.invalid'],
  ['that does not answer', '10.78.0.99'],
  ['that refuses', addresses.cluster.v4],
])('a collector %s', (_, host) => {
  test('keeps neither the proxy from becoming ready nor requests from being answered', async () => {
    const envoy = await startEnvoy(pod, proxyIntent({ tracing: { host, port: 4317, samplingPercent: 100 } }));
    try {
      for (let count = 0; count < 20; count++) {
        expect(await traceparent({ traceparent: parent })).toContain(traceId);
      }
      const ready = await outside.ask({ url: `http://${addresses.pod.v4}:15021/healthz/ready` });
      expect(ready.status).toBe(200);
    } finally {
      await envoy.stop();
    }
  });
});

test('without tracing, the headers of a trace pass through untouched', async () => {
  const envoy = await startEnvoy(pod, proxyIntent());
  try {
    expect(await traceparent({ traceparent: parent, tracestate: 'a=b' })).toBe(parent);
  } finally {
    await envoy.stop();
  }
});
