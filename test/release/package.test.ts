import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';

const run = promisify(execFile);
const modules = path.join(root, 'node_modules');
const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-package-'));
const checkout = path.join(folder, 'checkout');
const user = path.join(folder, 'user');
const installed = path.join(user, 'node_modules/sidecar-injector');

/** The pinned Node, the oldest that is maintained, and what else the machine has by this name. */
const nodes = [
  ...new Set(
    [
      path.join(modules, '.bin'),
      path.dirname(process.env['OLDER_NODE_BIN'] ?? ''),
      ...(process.env['PATH'] ?? '').split(':'),
      '/usr/bin',
      '/usr/local/bin',
    ]
      .map((one) => path.join(one, 'node'))
      .filter(existsSync)
      .map((file) => realpathSync(file)),
  ),
];

// As `npm pack` and `npm install` of its file do it, without a registry: the dependencies are those of the checkout.
beforeAll(async () => {
  const copied = [
    'bin',
    'scripts',
    'src',
    'LICENSE',
    'README.md',
    'package.json',
    'tsconfig.json',
    'tsconfig.library.json',
  ];
  for (const name of copied) cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
  symlinkSync(modules, path.join(checkout, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: checkout,
    env: { ...process.env, npm_config_update_notifier: 'false' },
  });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string }];
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', path.join(folder, filename), '-C', installed, '--strip-components=1']);
  for (const name of ['fast-json-patch', 'yaml', 'zod'])
    symlinkSync(path.join(modules, name), path.join(user, 'node_modules', name));
  writeFileSync(path.join(user, 'package.json'), '{"type":"module"}');
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('Node 22 and 24 are among those that import it', async () => {
  const versions = await Promise.all(nodes.map(async (node) => (await run(node, ['--version'])).stdout));
  for (const major of ['v22.', 'v24.']) expect(versions.some((version) => version.startsWith(major))).toBe(true);
});

test.each(nodes)('the packed library is imported by %s', async (node) => {
  const code = `import { createSnapshot, decide } from 'sidecar-injector';
    const { snapshot } = createSnapshot();
    const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
    console.log(decide({ pod, namespace: 'default' }, snapshot).outcome);`;
  writeFileSync(path.join(user, 'use.js'), code);
  expect((await run(node, ['use.js'], { cwd: user })).stdout).toBe('inject\n');
});

test('it brings its types', async () => {
  writeFileSync(
    path.join(user, 'use.ts'),
    "import { decide } from 'sidecar-injector';\nexport const wrong: number = decide;\n",
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
  const checked = await run(path.join(modules, '.bin/tsc'), [...options, 'use.ts'], { cwd: user }).catch(
    (error: { stdout: string }) => error,
  );
  expect(checked.stdout).toContain(
    "Type '(request: InjectionRequest, snapshot: Snapshot) => Decision' is not assignable",
  );
});

test('its program injects', async () => {
  const [pinned = ''] = nodes;
  writeFileSync(
    path.join(user, 'pod.yaml'),
    'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: nginx}]}\n',
  );
  const program = path.join(installed, 'bin/sidecar-injector.mjs');
  const { stdout } = await run(pinned, [program, 'inject', '-f', 'pod.yaml'], { cwd: user });
  expect(stdout).toContain('name: istio-proxy');
});

test('its program has the playground', async () => {
  const [pinned = ''] = nodes;
  const program = path.join(installed, 'bin/sidecar-injector.mjs');
  await run(pinned, [program, 'playground', '-o', 'playground.html'], { cwd: user });
  expect(readFileSync(path.join(user, 'playground.html'), 'utf8')).toContain(
    '<title>sidecar-injector playground</title>',
  );
});
