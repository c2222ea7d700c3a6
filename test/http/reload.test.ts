import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { version } from '../../src/index.ts';
import { ask, postReview } from '../support/http/https-client.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { patchedPod, podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { openConnection } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { readSample } from '../support/processes/webhook-server.ts';

let folder: string;
let program: ServedProgram;
let generation = 0;

/** Replaces a mounted ConfigMap as the kubelet does: a new directory, then one swap of the link `..data`. */
async function publish(files: Readonly<Record<string, string>>): Promise<void> {
  const mount = path.join(folder, 'mount');
  const data = `..2026_11_22_${generation++}`;
  await mkdir(path.join(mount, data), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(mount, data, name), text);
  await symlink(data, path.join(mount, '..data_tmp'));
  await rename(path.join(mount, '..data_tmp'), path.join(mount, '..data'));
  for (const name of Object.keys(files))
    await symlink(path.join('..data', name), path.join(mount, name)).catch(() => undefined);
}

const settings = (proxy: string): string =>
  `apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec:\n  proxy: ${proxy}\n`;

async function imageNow(): Promise<unknown> {
  const pod = podOf();
  const { spec } = patchedPod(pod, responseOf(await postReview(program, reviewOf(pod))));
  return spec.initContainers.find(({ name }) => name === 'istio-proxy')?.['image'];
}

const hashNow = async (): Promise<unknown> =>
  responseOf(await postReview(program, reviewOf(podOf()))).auditAnnotations['settings-hash'];

const untilImage = (image: string) =>
  until(`the proxy is ${image}`, async () => ((await imageNow()) === image ? true : undefined));

async function sample(name: string): Promise<number | undefined> {
  return readSample((await askMetrics(program.metricsPort, '/metrics')).text, `sidecar_injector_${name}`);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reload-'));
  await publish({ 'settings.yaml': settings('{image: "envoy:1"}') });
  program = await startServing({ folder, arguments: [`--settings=${path.join(folder, 'mount/settings.yaml')}`] });
});
afterAll(async () => {
  await program.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

test('settings are those of the file', async () => {
  expect(await imageNow()).toBe('envoy:1');
  expect(await sample('configuration_valid')).toBe(1);
});

test('new settings are in use after the link was swapped, without a restart', async () => {
  await publish({ 'settings.yaml': settings('{image: "envoy:2"}') });
  await untilImage('envoy:2');
  expect(await sample('configuration_reloads_total{result="accepted"}')).toBe(1);
});

test.each<[what: string, text: string, sentence: string]>([
  ['an unknown key', settings('{imag: "envoy:3"}'), 'spec.proxy.imag: unknown key, did you mean "image"?'],
  ['bad YAML', 'a: [1\nb: 2\n', 'line 2, column 1'],
  ['an alias without its anchor', settings('*nowhere'), 'is not YAML: Unresolved alias'],
  ['half of it', settings('{image: "env').slice(0, -1), 'Missing closing'],
  ['nothing', '', 'is empty'],
])('bad settings (%s) leave the last good ones in use, and it is said everywhere', async (_what, text, sentence) => {
  const hash = await hashNow();
  const before = (await sample('configuration_reloads_total{result="refused"}')) ?? 0;
  await publish({ 'settings.yaml': text });
  const line = await program.logged('new settings are refused, the last good ones stay', (candidate) =>
    JSON.stringify(candidate['problems']).includes(JSON.stringify(sentence).slice(1, -1)),
  );
  expect(line).toMatchObject({
    level: 'error',
    problems: expect.arrayContaining([expect.stringContaining('settings.yaml: ')]),
  });
  expect([line['settingsHash'], await hashNow()]).toEqual([hash, hash]);
  expect(await imageNow()).toBe('envoy:2');
  expect(await sample('configuration_valid')).toBe(0);
  expect(await sample('configuration_reloads_total{result="refused"}')).toBe(before + 1);
  const { status, text: health } = await ask(program, { path: '/readyz?verbose' });
  expect(status).toBe(200);
  expect(health).toContain('[+] configuration: ');
  expect(health).toContain(sentence);
});

test('settings that are gone leave the last good ones in use', async () => {
  await unlink(path.join(folder, 'mount/settings.yaml'));
  await program.logged('new settings are refused, the last good ones stay', (line) =>
    JSON.stringify(line['problems']).includes('no such file'),
  );
  expect(await imageNow()).toBe('envoy:2');
});

test('good settings after bad ones are in use, and nothing is said about the bad ones any more', async () => {
  await publish({ 'settings.yaml': settings('{image: "envoy:4"}') });
  await untilImage('envoy:4');
  expect(await sample('configuration_valid')).toBe(1);
  const { text } = await ask(program, { path: '/readyz?verbose' });
  expect(text).toMatch(/^\[\+\] configuration: settings [0-9a-f]{16} are in use$/m);
});

test('twenty swaps in a row end with the last one', async () => {
  for (let index = 0; index < 20; index++) await publish({ 'settings.yaml': settings(`{image: "envoy:5.${index}"}`) });
  await untilImage('envoy:5.19');
  expect(await sample('configuration_valid')).toBe(1);
});

test('under load each review sees one settings file as a whole, and none fails', async () => {
  const hashes = new Set<string>();
  const images = new Set<unknown>();
  let isSwapping = true;
  const load = async (): Promise<void> => {
    while (isSwapping) {
      const pod = podOf();
      const response = responseOf(await postReview(program, reviewOf(pod)));
      const result = patchedPod(pod, response);
      const recorded: { settingsHash: string } = JSON.parse(
        result.metadata.annotations['sidecar.istio.io/status'] ?? '',
      );
      expect(recorded.settingsHash).toBe(response.auditAnnotations['settings-hash']);
      hashes.add(recorded.settingsHash);
      images.add(result.spec.initContainers.find(({ name }) => name === 'istio-proxy')?.['image']);
    }
  };
  const loads = Promise.all([load(), load()]);
  for (const image of ['envoy:6', 'envoy:7', 'envoy:8']) {
    await publish({ 'settings.yaml': settings(`{image: "${image}"}`) });
    await untilImage(image);
  }
  isSwapping = false;
  await loads;
  expect(images.size).toBe(hashes.size);
});

test('a replica says what it runs, what it refuses, and which certificate it presents', async () => {
  await publish({ 'settings.yaml': settings('{image: "envoy:9"}') });
  await untilImage('envoy:9');
  const hash = await hashNow();
  const { status, text } = await ask(program, { path: '/replica' });
  const told = JSON.parse(text);
  expect([status, told]).toEqual([200, { version, settingsHash: hash, refused: [], certificate: expect.any(String) }]);
  const { socket } = await openConnection(program);
  expect(new X509Certificate(told.certificate).fingerprint256).toBe(socket.getPeerCertificate().fingerprint256);
  socket.destroy();
  expect(text).not.toContain('PRIVATE KEY');
  await publish({ 'settings.yaml': settings('{imag: "x"}') });
  const refused = await until('the refusal is told', async () => {
    const now = JSON.parse((await ask(program, { path: '/replica' })).text);
    return now.refused.length > 0 ? now : undefined;
  });
  expect(refused).toMatchObject({ settingsHash: hash, refused: [expect.stringContaining('spec.proxy.imag: unknown')] });
  expect(await ask(program, { path: '/replica', method: 'POST' })).toMatchObject({ status: 405 });
});
