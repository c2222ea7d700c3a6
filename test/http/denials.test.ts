import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { annotated, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook({
    snapshot: snapshotOf({
      injection: { neverInjectSelector: [{ matchLabels: { job: 'batch' } }] },
      proxy: { allowedImages: ['registry.example/envoy:*'] },
    }),
  });
});
afterAll(() => webhook.close());

const send = async (pod: object, request: object = {}) => responseOf(await postReview(webhook, reviewOf(pod, request)));

const inject = 'sidecar.istio.io/inject';

describe('the inject label and annotation', () => {
  test.each<[what: string, labels: object, annotations: object, reasons: string]>([
    ['neither', {}, {}, 'PolicyEnabled'],
    ['label true', { [inject]: 'true' }, {}, 'OptedIn'],
    ['label false', { [inject]: 'false' }, {}, 'OptedOut'],
    ['annotation true', {}, { [inject]: 'true' }, 'OptedIn'],
    ['annotation false', {}, { [inject]: 'false' }, 'OptedOut'],
    ['label true, annotation false', { [inject]: 'true' }, { [inject]: 'false' }, 'OptedIn'],
    ['label false, annotation true', { [inject]: 'false' }, { [inject]: 'true' }, 'OptedOut'],
    ['label false, annotation nonsense', { [inject]: 'false' }, { [inject]: 'maybe' }, 'OptedOut'],
    ['a never-inject selector', { job: 'batch' }, {}, 'NeverInjectSelector'],
    ['a never-inject selector, label true', { job: 'batch', [inject]: 'true' }, {}, 'OptedIn'],
  ])('%s: %s', async (_what, labels, annotations, reasons) => {
    const response = await send(podOf({ labels, annotations }));
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { reasons } });
    expect(response.patch !== undefined).toBe(/OptedIn|PolicyEnabled/.test(reasons));
  });

  test.each([
    'TRUE',
    'True',
    'yes',
    'y',
    'on',
    '1',
    'enabled',
    '',
    ' true',
    'true ',
    'false\n',
    'истина',
    'x'.repeat(70_000),
  ])('with value %# are a denial', async (value) => {
    for (const where of ['label', 'annotation'] as const) {
      const response = await send(podOf({ [`${where}s`]: { [inject]: value } }));
      const shown = value.length > 64 ? `${value.slice(0, 61)}...` : value;
      expect(response.status).toEqual({
        status: 'Failure',
        code: 400,
        reason: 'Invalid',
        message: `${where} ${inject}: ${JSON.stringify(shown)} is not allowed; allowed: "true", "false" (InvalidInjectValue)`,
      });
      expect(response.auditAnnotations).toMatchObject({ decision: 'deny', reasons: 'InvalidInjectValue' });
    }
  });

  test.each([true, false, null, 1, [], {}])('with the value %j, which is no text, are a denial', async (value) => {
    for (const where of ['labels', 'annotations']) {
      expect((await send(podOf({ [where]: { [inject]: value } }))).status).toMatchObject({
        code: 400,
        message: expect.stringContaining('must be a string: quote it; allowed: "true", "false"'),
      });
    }
  });

  test('do not help where nothing is ever injected', async () => {
    const response = await send(podOf({ labels: { [inject]: 'true' } }), { namespace: 'kube-system' });
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { reasons: 'SystemNamespace' } });
    expect(response.warnings).toEqual([
      'sidecar-injector: not injected: namespace "kube-system" is never injected (SystemNamespace)',
    ]);
  });
});

const ports = 'traffic.sidecar.istio.io/excludeInboundPorts';
const cidrs = 'traffic.sidecar.istio.io/excludeOutboundIPRanges';
const allCidrs = 'traffic.sidecar.istio.io/includeOutboundIPRanges';
const interfaces = 'traffic.sidecar.istio.io/excludeInterfaces';
const cpu = 'sidecar.istio.io/proxyCPU';
const period = 'readiness.status.sidecar.istio.io/periodSeconds';
const level = 'sidecar.istio.io/logLevel';
const image = 'sidecar.istio.io/proxyImage';
const mode = 'sidecar.istio.io/interceptionMode';
const status = 'status.sidecar.istio.io/port';

const portWords = 'a comma list of ports 0-65535 and ranges such as 8000-8100';
const cidrWords = 'a comma list of CIDRs such as 10.0.0.0/8 or 2001:db8::/32';
const quantityWords = 'a Kubernetes quantity such as 100m or 128Mi';

describe('a good annotation is taken', () => {
  test.each<[string, string]>([
    [ports, '0'],
    [ports, ''],
    [ports, '65535'],
    [ports, '80,80'],
    [ports, ' 80 , 443'],
    [ports, '8000-8100'],
    [cidrs, '10.1.2.3/8'],
    [cidrs, '::/0,0.0.0.0/0'],
    [cidrs, '2001:db8::1/128'],
    [allCidrs, '*'],
    [allCidrs, ''],
    [interfaces, 'eth0,docker.0'],
    [cpu, '1e2'],
    [cpu, '.5'],
    ['sidecar.istio.io/proxyMemory', '1Ki'],
    [period, '1'],
    [level, 'trace'],
    [image, 'registry.example/envoy:v2'],
    [mode, 'NONE'],
    [status, '0'],
  ])('%s: %j', async (name, value) => {
    expect(await send(annotated({ [name]: value }))).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
  });
});

describe('a bad annotation is a denial that names it, the value and what is allowed', () => {
  test.each<[name: string, value: string, shown: string, allowed: string]>([
    [ports, '65536', '65536', portWords],
    [ports, '-1', '-1', portWords],
    [ports, '080', '080', portWords],
    [ports, '1e3', '1e3', portWords],
    [ports, '80,', '', portWords],
    [ports, '80;443', '80;443', portWords],
    [ports, '90-80', '90-80', portWords],
    [ports, '80-', '80-', portWords],
    [ports, '8 0', '8 0', portWords],
    [ports, '٨٠', '٨٠', portWords],
    [ports, '80,$(reboot)', '$(reboot)', portWords],
    [ports, 'has 80 ports', 'has 80 ports', portWords],
    ['traffic.sidecar.istio.io/includeInboundPorts', '*,80', '*', `* or ${portWords}`],
    [cidrs, '10.0.0.0', '10.0.0.0', cidrWords],
    [cidrs, '10.0.0.0/33', '10.0.0.0/33', cidrWords],
    [cidrs, '256.0.0.0/8', '256.0.0.0/8', cidrWords],
    [cidrs, '010.0.0.0/8', '010.0.0.0/8', cidrWords],
    [cidrs, ':::/0', ':::/0', cidrWords],
    [cidrs, 'fe80::1%eth0/64', 'fe80::1%eth0/64', cidrWords],
    [cidrs, '*', '*', cidrWords],
    [allCidrs, '*,10.0.0.0/8', '*', `* or ${cidrWords}`],
    [interfaces, '-j', '-j', 'a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)'],
    [
      interfaces,
      'eth0 -j ACCEPT',
      'eth0 -j ACCEPT',
      'a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)',
    ],
    [
      interfaces,
      'abcdefghijklmnop',
      'abcdefghijklmnop',
      'a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)',
    ],
    [cpu, '-1', '-1', quantityWords],
    [cpu, '1 ', '1 ', quantityWords],
    [cpu, 'NaN', 'NaN', quantityWords],
    [cpu, '1kb', '1kb', quantityWords],
    [cpu, '', '', quantityWords],
    [cpu, '1e999', '1e999', quantityWords],
    [period, '0', '0', 'an integer from 1 to 86400'],
    [period, '1.5', '1.5', 'an integer from 1 to 86400'],
    [period, '10s', '10s', 'an integer from 1 to 86400'],
    [period, '99999999999', '99999999999', 'an integer from 1 to 86400'],
    [level, 'LOUD', 'LOUD', 'trace, debug, info, warning, warn, error, critical, off'],
    [
      level,
      'info"\nprivileged: true',
      'info"\nprivileged: true',
      'trace, debug, info, warning, warn, error, critical, off',
    ],
    [
      image,
      'registry.example/envoy@sha256:12',
      'registry.example/envoy@sha256:12',
      'an image reference such as registry.example.com/envoy:v1.40.0, or with @sha256:…',
    ],
    [mode, 'redirect', 'redirect', 'REDIRECT, NONE'],
    ['sidecar.istio.io/nativeSidecar', 'True', 'True', 'true, false'],
    [
      'inject.istio.io/templates',
      'sidecar,../x',
      '../x',
      'a comma list of template names, each alone or as name:version',
    ],
  ])('%s: %j', async (name, value, shown, allowed) => {
    const response = await send(annotated({ [name]: value }));
    expect(response.status).toEqual({
      status: 'Failure',
      code: 400,
      reason: 'Invalid',
      message: `${name}: ${JSON.stringify(shown)} is not allowed; allowed: ${allowed} (InvalidAnnotation)`,
    });
    expect(response).toMatchObject({ allowed: false, auditAnnotations: { reasons: 'InvalidAnnotation' } });
    expect(response.patch).toBeUndefined();
  });

  test.each<[string, string, string]>([
    [ports, Array.from({ length: 5_000 }, (_, index) => index).join(','), 'has 5000 entries, at most 256 are allowed'],
    [
      image,
      'evil.example/x',
      '"evil.example/x" is not allowed; allowed: envoyproxy/envoy:v1.40.0, registry.example/envoy:*',
    ],
    [
      mode,
      'TPROXY',
      '"TPROXY" needs a proxy that is root with NET_ADMIN, which is not offered; an application that must see its clients takes traffic.sidecar.istio.io/excludeInboundPorts for those ports; allowed: REDIRECT, NONE',
    ],
    [status, '15001', '"15001" is a port of the proxy itself; allowed: any other port'],
    [
      'inject.istio.io/templates',
      'sidecar,side-car',
      '"side-car" is not a known sidecar, did you mean "sidecar"?; known: sidecar',
    ],
  ])('%s, in its own words', async (name, value, sentence) => {
    const response = await send(annotated({ [name]: value }));
    expect(response.status?.message).toBe(`${name}: ${sentence} (${response.auditAnnotations['reasons']})`);
  });

  test.each([7, true, null, ['80'], { a: 1 }])('that is %j and no text', async (value) => {
    const message = (await send(annotated({ [ports]: value }))).status?.message;
    expect(message).toBe(`${ports}: must be a string: quote it; allowed: ${portWords} (InvalidAnnotation)`);
  });

  test('of a megabyte, shown in part', async () => {
    const response = await send(annotated({ [level]: 'x'.repeat(1024 * 1024) }));
    expect(response.status?.message.length).toBeLessThan(300);
    const item = await send(annotated({ [ports]: `80,has ${'x'.repeat(1024 * 1024)}` }));
    expect(item.status?.message.length).toBeLessThan(300);
  });
});

test('all problems of a pod come in one denial', async () => {
  const response = await send(
    annotated({
      [ports]: 'http',
      [cidrs]: '10.0.0.0',
      [cpu]: 'much',
      [level]: 'loud',
      'inject.istio.io/templates': 'sidecar,nope',
    }),
  );
  const sentences = response.status?.message.split('; ') ?? [];
  for (const name of [ports, cidrs, cpu, level, 'inject.istio.io/templates']) {
    expect(sentences.filter((sentence) => sentence.startsWith(`${name}: `))).toHaveLength(1);
  }
  expect(response.auditAnnotations['reasons']?.split(',').toSorted()).toEqual(['InvalidAnnotation', 'UnknownTemplate']);
});

test('a pod with twenty thousand problems hears of some and of how many there are', async () => {
  const ports = Array.from({ length: 20_000 }, () => ({ containerPort: 15001 }));
  const response = await send(podOf({}, { containers: [{ name: 'app', ports }] }));
  expect(response.status?.message).toMatch(/; and 19\d{3} more$/);
  expect(response.status?.message.length).toBeLessThan(16 * 1024);
  expect(response.auditAnnotations['reasons']).toBe('PortConflict');
  expect(webhook.log()).toContain('"reasons":["PortConflict"]');
});
