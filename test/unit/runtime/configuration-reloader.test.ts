import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import { startConfigurationReloader, type ConfigurationReloader } from '../../../src/runtime/configuration-reloader.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.ts';
import { until } from '../../support/waiting.ts';
import { readSample } from '../../support/processes/webhook-server.ts';

let folder: string;
let settings: string;
let metrics: Metrics;
let lines: string[];
let keeper: ConfigurationReloader;

const text = (image: string): string =>
  `apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {proxy: {image: "${image}"}}\n`;
const imageNow = (): string => keeper.injector().snapshot.settings.proxy.image;
const sample = async (name: string) => readSample((await metrics.expose()).text, `sidecar_injector_${name}`);
const untilTrue = (what: string, is: () => boolean) => until(what, () => (is() ? true : undefined));

/** In one step, as the kubelet does: a reader sees the old text or the new one, never an empty file. */
async function replace(content: string): Promise<void> {
  await writeFile(`${settings}.next`, content);
  await rename(`${settings}.next`, settings);
}

async function keep(pollMs?: number): Promise<void> {
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const kept = await startConfigurationReloader(
    { settings },
    { log, metrics, ...(pollMs === undefined ? {} : { pollMs }) },
  );
  if ('problems' in kept) throw new Error('refused');
  keeper = kept;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keeper-'));
  settings = path.join(folder, 'settings.yaml');
  metrics = createMetrics('1');
  lines = [];
  await replace(text('envoy:1'));
});
afterEach(async () => {
  keeper.stop();
  await rm(folder, { recursive: true });
});

test('the first files are refused with their problems, and nothing is watched', async () => {
  await keep();
  await replace('a: [');
  const refused = await startConfigurationReloader(
    { settings },
    { log: createLog('silent', { write: () => undefined }), metrics },
  );
  expect(refused).toMatchObject({ problems: [{ file: settings }] });
});

test('roots of the mesh that are of no use deny its pods alone, and those that come later are used', async () => {
  const file = path.join(folder, 'root.pem');
  await writeFile(file, '');
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const paths = { settings, meshRoots: { file, mayBeMissing: true } };
  const kept = await startConfigurationReloader(paths, { log, metrics, pollMs: 20 });
  if ('problems' in kept) throw new Error('refused');
  keeper = kept;
  const roots = () => keeper.injector().snapshot.bases.get('mesh')?.mesh?.roots;
  expect([imageNow(), roots()]).toEqual(['envoy:1', undefined]);
  expect(lines.join('')).toContain('root certificates are refused, pods of the mesh are denied');
  expect(keeper.health().reason).toContain('has no certificate in PEM');
  expect(await sample('configuration_valid')).toBe(0);
  const { certificate } = createEllipticAuthority({ name: 'mesh', now: new Date(), lifetimeMs: 60_000 });
  await writeFile(`${file}.next`, certificate);
  await rename(`${file}.next`, file);
  await untilTrue('the roots', () => roots() === certificate);
  expect(await sample('configuration_valid')).toBe(1);
  // A user's own file is another matter.
  await writeFile(file, '');
  const mine = { settings, meshRoots: { file, mayBeMissing: false } };
  expect(await startConfigurationReloader(mine, { log, metrics })).toHaveProperty('problems');
});

test('changed files replace the snapshot as a whole', async () => {
  await keep();
  const before = keeper.injector().snapshot;
  await replace(text('envoy:2'));
  await untilTrue('the new image', () => imageNow() === 'envoy:2');
  expect(before.settings.proxy.image).toBe('envoy:1');
  expect(keeper.injector().snapshot.hash).not.toBe(before.hash);
  expect(await sample('configuration_reloads_total{result="accepted"}')).toBe(1);
  expect(await sample(`configuration_info{hash="${keeper.injector().snapshot.hash}"}`)).toBe(1);
  expect(await sample(`configuration_info{hash="${before.hash}"}`)).toBeUndefined();
});

test('bad files keep the last good ones; it is said once, in health, log and metric', async () => {
  await keep(20);
  const { hash } = keeper.injector().snapshot;
  await replace('a: [');
  await untilTrue('a refusal', () => lines.some((line) => line.includes('are refused')));
  expect(keeper.health()).toMatchObject({
    ready: true,
    reason: expect.stringContaining(`settings ${hash} stay in use, the files are refused: ${settings}: line `),
  });
  expect([imageNow(), await sample('configuration_valid')]).toEqual(['envoy:1', 0]);
  await writeFile(path.join(folder, 'beside.yaml'), 'x');
  await replace(text('envoy:1'));
  await untilTrue('good again', () => keeper.health().reason === `settings ${hash} are in use`);
  expect(lines.filter((line) => line.includes('are refused'))).toHaveLength(1);
  expect(await sample('configuration_reloads_total{result="refused"}')).toBe(1);
  // The files say what they said before: taken back, not reloaded.
  expect(await sample('configuration_reloads_total{result="accepted"}')).toBeUndefined();
  expect(await sample('configuration_valid')).toBe(1);
});

test('a template’s single file is watched too', async () => {
  const file = path.join(folder, 'shipper.yaml');
  const template = (name: string): string =>
    `apiVersion: sidecar-injector.io/v1alpha1\nkind: SidecarTemplate\nmetadata: {name: ${name}}\nspec: {}\n`;
  await writeFile(file, template('one'));
  const log = createLog('silent', { write: () => undefined });
  const kept = await startConfigurationReloader({ sidecars: [file] }, { log, metrics, pollMs: 60_000 });
  if ('problems' in kept) throw new Error('refused');
  keeper = kept;
  expect([...keeper.injector().snapshot.templates.keys()]).toEqual(['one']);
  await writeFile(`${file}.next`, template('two'));
  await rename(`${file}.next`, file);
  await untilTrue('the other template', () => keeper.injector().snapshot.templates.has('two'));
});

test('what is known of the cluster survives a reload', async () => {
  await keep();
  keeper.useCluster({ nativeSidecars: false, stableSidecars: false, sleepHook: false });
  expect(keeper.injector().snapshot).toMatchObject({ nativeSidecars: false, stableSidecars: false, sleepHook: false });
  await replace(text('envoy:2'));
  await untilTrue('the new image', () => imageNow() === 'envoy:2');
  expect(keeper.injector().snapshot).toMatchObject({ nativeSidecars: false, stableSidecars: false, sleepHook: false });
});

test('after the end nothing is reloaded', async () => {
  await keep(10);
  keeper.stop();
  await replace(text('envoy:2'));
  const other = await startConfigurationReloader(
    { settings },
    { log: createLog('silent', { write: () => undefined }), metrics, pollMs: 10 },
  );
  if ('problems' in other) throw new Error('refused');
  await replace(text('envoy:3'));
  await untilTrue('the other one has it', () => other.injector().snapshot.settings.proxy.image === 'envoy:3');
  other.stop();
  expect(imageNow()).toBe('envoy:1');
});

test('settings with which every pod would be denied are refused, and the last good ones stay', async () => {
  const sidecars = path.join(folder, 'sidecars');
  await mkdir(sidecars);
  const declared = (name: string): string =>
    `apiVersion: sidecar-injector.io/v1alpha1\nkind: SidecarTemplate\nmetadata: {name: ${name}}\nspec: {containers: [{name: same, image: x}]}\n`;
  for (const name of ['one', 'two']) await writeFile(path.join(sidecars, `${name}.yaml`), declared(name));
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const kept = await startConfigurationReloader({ settings, sidecars: [sidecars] }, { log, metrics, pollMs: 20 });
  if ('problems' in kept) throw new Error('refused');
  keeper = kept;
  await replace(text('envoy:2').replace('spec: {', 'spec: {injection: {defaultTemplates: [one, two]}, '));
  await untilTrue('the refusal', () => keeper.refused().length > 0);
  expect(keeper.refused()).toEqual([expect.stringMatching(/every pod .* would be denied: .* \(NameConflict\)$/)]);
  expect([imageNow(), await sample('configuration_valid')]).toEqual(['envoy:1', 0]);
});
