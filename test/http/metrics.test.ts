import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { annotated, podOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { readSample } from '../support/processes/webhook-server.ts';

let folder: string;
let program: ServedProgram;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'metrics-'));
  program = await startServing({ folder });
});
afterAll(async () => {
  await program.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

const metrics = async (): Promise<string> => (await askMetrics(program.metricsPort, '/metrics')).text;
const sample = async (name: string) => readSample(await metrics(), `sidecar_injector_${name}`);

/** One line of the text exposition format, version 0.0.4: a comment or a sample. */
const line =
  /^(?:# (?:HELP|TYPE) [a-z_][a-z0-9_]* .+|[a-zA-Z_:][\w:]*(?:\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*")*\})? (?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)(?: \d+)?)$/;

test('GET /metrics is Prometheus text, every family with help and type, every sample once', async () => {
  const { status, headers, text } = await askMetrics(program.metricsPort, '/metrics');
  expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)]);
  expect(text.endsWith('\n')).toBe(true);
  const lines = text
    .trimEnd()
    .split('\n')
    .filter((each) => each !== '');
  for (const each of lines) expect(each).toMatch(line);
  const samples = lines.filter((each) => !each.startsWith('#'));
  expect(new Set(samples.map((each) => each.slice(0, each.lastIndexOf(' ')))).size).toBe(samples.length);
  for (const each of samples) {
    expect(each).toMatch(/^(?:sidecar_injector|process|nodejs)_/);
    const family = /^[a-z_][a-z0-9_]*?(?=_bucket\b|_sum\b|_count\b|\{| )/.exec(each)?.[0];
    expect(text).toContain(`# TYPE ${family} `);
    expect(text).toContain(`# HELP ${family} `);
  }
});

describe('the metrics port has nothing else', () => {
  test.each([
    '/',
    '/metrics/',
    '/Metrics',
    '/inject',
    '/readyz',
    '/debug',
    '/debug/profile/cpu',
    '/debug/profile/heap',
    '//metrics',
    '/x/../metrics',
    '/%6detrics',
    '/%',
  ])('%s is answered 404', async (where) => {
    expect((await askMetrics(program.metricsPort, where)).status).toBe(404);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is answered 405', async (method) => {
    const { status, headers } = await askMetrics(program.metricsPort, '/metrics', method);
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  test('HEAD has no body', async () => {
    expect(await askMetrics(program.metricsPort, '/metrics', 'HEAD')).toMatchObject({ status: 200, text: '' });
  });

  test('a query is no hindrance', async () => {
    expect((await askMetrics(program.metricsPort, '/metrics?name[]=x')).status).toBe(200);
  });

  test.each(['nonsense\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000', `GET /${'x'.repeat(64 * 1024)} HTTP/1.1\r\n\r\n`])(
    'and nonsense %# does it no harm',
    async (text) => {
      const socket = connect(program.metricsPort, '127.0.0.1').on('error', () => undefined);
      const closed = new Promise((resolve) => void socket.once('close', resolve));
      socket.resume().end(text);
      await closed;
      expect((await askMetrics(program.metricsPort, '/metrics')).status).toBe(200);
    },
  );
});

test('a review counts by its outcome and reason, its time and its patch', async () => {
  const name = 'admission_reviews_total{outcome="inject",reason="PolicyEnabled"}';
  expect(await sample(name)).toBe(0);
  await postReview(program, reviewOf(podOf()));
  expect(await sample(name)).toBe(1);
  expect(await sample('admission_duration_seconds_count{outcome="inject"}')).toBe(1);
  expect(await sample('patch_bytes_count')).toBe(1);
  expect(await sample('admission_in_flight')).toBe(0);
});

test('a denial counts by its first reason, and only the codes are labels', async () => {
  await postReview(program, reviewOf(annotated({ 'sidecar.istio.io/logLevel': 'hunter2' })));
  expect(await sample('admission_reviews_total{outcome="deny",reason="InvalidAnnotation"}')).toBe(1);
  expect(await metrics()).not.toContain('hunter2');
});

test('a bad request counts by its status', async () => {
  await postReview(program, 'nonsense');
  await ask(program, { path: '/inject' });
  await postReview(program, '{}', { headers: { 'content-type': 'text/plain' } });
  for (const status of [400, 405, 415]) expect(await sample(`bad_requests_total{status="${status}"}`)).toBe(1);
});

test('settings, certificate, version and readiness have a gauge each', async () => {
  await ask(program, { path: '/readyz' });
  expect(await metrics()).toMatch(/^sidecar_injector_configuration_info\{hash="[0-9a-f]{16}"\} 1$/m);
  expect(await metrics()).toMatch(/^sidecar_injector_build_info\{version="[^"]+"\} 1$/m);
  expect(await sample('configuration_valid')).toBe(1);
  expect(await sample('ready')).toBe(1);
  const expiry = (await sample('serving_certificate_expiry_timestamp_seconds')) ?? 0;
  expect(expiry).toBeGreaterThan(Date.now() / 1_000);
});
