import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram } from '../support/processes/served-program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'start-'));
});
afterAll(() => rm(folder, { recursive: true }));

const local = ['--listen=127.0.0.1:0', '--metrics-listen=127.0.0.1:0'];
const dev = () => [...local, `--dev-certs=${path.join(folder, 'ca.pem')}`];

/** A person reads this: sentences, no traces of the program's inside. */
function expectSentences(stderr: string): void {
  expect(stderr).not.toMatch(/^\s+at |node:internal|\.ts:\d|Error:/m);
  for (const line of stderr.trim().split('\n')) expect(line).toMatch(/^(?:error|hint): /);
}

describe('serve called in a wrong way says so and ends with 2', () => {
  test.each<[args: readonly string[], sentence: string]>([
    [[], 'error: no certificate: the API server calls webhooks over TLS only'],
    [['--tls-cert-file=a.pem'], 'error: --tls-cert-file and --tls-private-key-file belong together'],
    [['--self-managed-certs', '--dev-certs=ca.pem'], 'error: several ways to a certificate were given'],
    [['--dev-certs=ca.pem', '--listen=8443'], 'error: --listen: "8443" is not an address'],
    [['--dev-certs=ca.pem', '--metrics-listen=:99999'], 'error: --metrics-listen: ":99999" is not an address'],
    [['--dev-certs=ca.pem', '--log-level=loud'], 'error: --log-level: "loud" is not a level'],
    [['--dev-certs=ca.pem', '--drain-seconds=-1'], 'error: --drain-seconds: "-1" is not a number of seconds'],
    [['--dev-certs'], "error: option '--dev-certs <file>' argument missing"],
    [['--no-such-flag'], "error: unknown option '--no-such-flag'"],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await runProgram(['serve', ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^hint: /m);
  });
});

describe('serve that cannot start says why, with all problems, and ends with 1', () => {
  test('bad settings and templates, each with file and path', async () => {
    const settings = path.join(folder, 'settings.yaml');
    const sidecars = await mkdtemp(path.join(folder, 'sidecars-'));
    await writeFile(
      settings,
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec:\n  proxy: {imag: x, logLevel: loud}\n  capture: {excludeOutboundIPRanges: 10.0.0.0}\n',
    );
    await writeFile(
      path.join(sidecars, 'one.yaml'),
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: SidecarTemplate\nmetadata: {name: One}\nspec: {contaners: []}\n',
    );
    await writeFile(path.join(sidecars, 'two.yaml'), 'a: [1\nb: 2\n');
    const { code, stdout, stderr } = await runProgram([
      'serve',
      ...dev(),
      `--settings=${settings}`,
      `--sidecars=${sidecars}`,
    ]);
    expect([code, stdout]).toEqual([1, '']);
    expectSentences(stderr);
    for (const part of [
      `${settings}: spec.proxy.imag: unknown key, did you mean "image"?`,
      `${settings}: spec.proxy.logLevel: "loud" is not allowed; allowed: trace`,
      `${settings}: spec.capture.excludeOutboundIPRanges: "10.0.0.0" is not allowed`,
      `${path.join(sidecars, 'one.yaml')}: metadata.name: `,
      `${path.join(sidecars, 'one.yaml')}: spec.contaners: unknown key, did you mean "containers"?`,
      `${path.join(sidecars, 'two.yaml')}: line 2, column 1: `,
    ]) {
      expect(stderr).toContain(part);
    }
  });

  test('settings that are emptied', async () => {
    const settings = path.join(folder, 'empty.yaml');
    await writeFile(settings, '# later\n');
    const { code, stderr } = await runProgram(['serve', ...dev(), `--settings=${settings}`]);
    expect([code, stderr]).toEqual([1, `error: ${settings}: is empty\nhint: correct it and start again\n`]);
  });

  test.each<[what: string, args: () => readonly string[], sentence: RegExp]>([
    [
      'a certificate that is not there',
      () => [...local, '--tls-cert-file=/nowhere/a.pem', '--tls-private-key-file=/nowhere/b.pem'],
      /\/nowhere\/a\.pem/,
    ],
    [
      'a CA file that cannot be written',
      () => [...local, '--dev-certs=/nowhere/ca.pem'],
      /cannot write the CA certificate to '\/nowhere\/ca\.pem'/,
    ],
    ['an address of another machine', () => [...dev(), '--listen=192.0.2.1:0'], /--listen: cannot listen: /],
  ])('%s', async (_what, args, sentence) => {
    const { code, stderr } = await runProgram(['serve', ...args()]);
    expect(code).toBe(1);
    expectSentences(stderr);
    expect(stderr).toMatch(sentence);
  });

  test('an address that is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      for (const flag of ['--listen', '--metrics-listen']) {
        const { code, stderr } = await runProgram(['serve', ...dev(), `${flag}=${taken}`]);
        expect([code, stderr]).toEqual([
          1,
          `error: ${flag}: cannot listen: the address is in use\nhint: correct it and start again\n`,
        ]);
      }
    } finally {
      other.close();
    }
  });
});
