import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createAuthority } from '../../../src/certs/authority.ts';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import { describeFileProblem, loadConfiguration } from '../../../src/runtime/configuration.ts';

let folder: string;
let settings: string;
let sidecars: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'configuration-'));
  settings = path.join(folder, 'settings.yaml');
  sidecars = path.join(folder, 'sidecars');
  await mkdir(sidecars);
});
afterEach(() => rm(folder, { recursive: true }));

const head = 'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\n';
const template = (name: string): string =>
  `apiVersion: sidecar-injector.io/v1alpha1\nkind: SidecarTemplate\nmetadata: {name: ${name}}\nspec: {containers: [{name: c-${name}, image: x}]}\n`;

async function problemsOf(paths: Parameters<typeof loadConfiguration>[0]): Promise<string[]> {
  const loaded = await loadConfiguration(paths);
  if (!('problems' in loaded)) throw new Error('it was loaded');
  // Without the folder, which is another one every time.
  return loaded.problems.map((problem) => describeFileProblem(problem).replaceAll(`${folder}/`, ''));
}

async function load(paths: Parameters<typeof loadConfiguration>[0]) {
  const loaded = await loadConfiguration(paths);
  if ('problems' in loaded) throw new Error(loaded.problems.map(describeFileProblem).join('\n'));
  return loaded;
}

describe('good files', () => {
  test('are none at all', async () => {
    const { snapshot, files } = await load({});
    expect([files, snapshot.templates.size, snapshot.nativeSidecars]).toEqual([[], 0, true]);
  });

  test('are settings and every template of the directory, in the order of their names', async () => {
    await writeFile(settings, `${head}spec: {proxy: {image: "envoy:1"}}\n`);
    await writeFile(path.join(sidecars, 'b.yml'), `${template('one')}---\n${template('two')}`);
    await writeFile(path.join(sidecars, 'a.yaml'), template('three'));
    await writeFile(
      path.join(sidecars, 'c.json'),
      JSON.stringify({
        ...JSON.parse(
          '{"apiVersion":"sidecar-injector.io/v1alpha1","kind":"SidecarTemplate","metadata":{"name":"four"},"spec":{}}',
        ),
      }),
    );
    await writeFile(path.join(sidecars, '.hidden.yaml'), 'not: [yaml');
    await writeFile(path.join(sidecars, 'README.md'), '# not a template');
    const { snapshot, files } = await load({ settings, sidecars: [sidecars] });
    expect(snapshot.settings.proxy.image).toBe('envoy:1');
    expect([...snapshot.templates.keys()]).toEqual(['three', 'one', 'two', 'four']);
    expect(files.map((file) => path.relative(folder, file))).toEqual([
      'settings.yaml',
      'sidecars/a.yaml',
      'sidecars/b.yml',
      'sidecars/c.json',
    ]);
  });

  test('may be an empty directory, and hold empty documents', async () => {
    await writeFile(settings, `---\n${head}---\n`);
    expect((await load({ settings, sidecars: [sidecars] })).snapshot.templates.size).toBe(0);
  });

  test('have plain texts and numbers as kubectl reads them', async () => {
    await writeFile(
      settings,
      `${head}spec: {proxy: {image: e3, statusPort: 0o35254, applicationDrainSeconds: 0B11}}\n`,
    );
    const { snapshot } = await load({ settings });
    expect(snapshot.settings.proxy).toMatchObject({ image: 'e3', statusPort: 15_020, applicationDrainSeconds: 3 });
  });

  test('have the same hash whenever they say the same', async () => {
    await writeFile(settings, head);
    const first = (await load({ settings })).snapshot.hash;
    await writeFile(settings, `# a remark\n${head}spec: {}\n`);
    expect((await load({ settings })).snapshot.hash).toBe(first);
    await writeFile(settings, `${head}spec: {probes: {rewrite: false}}\n`);
    expect((await load({ settings })).snapshot.hash).not.toBe(first);
  });
});

describe('bad settings are a problem with file and place', () => {
  test.each<[what: string, text: string, problem: string]>([
    [
      'unknown key',
      `${head}spec: {proxy: {imag: x}}\n`,
      'settings.yaml: spec.proxy.imag: unknown key, did you mean "image"?',
    ],
    [
      'bad value',
      `${head}spec: {proxy: {logLevel: loud}}\n`,
      'settings.yaml: spec.proxy.logLevel: "loud" is not allowed; allowed: ',
    ],
    ['another kind', head.replace('InjectorConfiguration', 'ConfigMap'), 'settings.yaml: kind: '],
    ['two documents', `${head}---\n${head}`, 'settings.yaml: document 2: the settings are one document'],
    ['unfinished text', 'a: "b\n', 'settings.yaml: line '],
    ['bad YAML', 'a: [1\nb: 2\n', 'settings.yaml: line 2, column 1: '],
    ['a key twice', 'a: 1\na: 2\n', 'settings.yaml: line 2, column 1: Map keys must be unique'],
    ['an alias without its anchor', 'spec: *nowhere\n', 'settings.yaml: is not YAML: Unresolved alias'],
    [
      'a set, whose members would be lost',
      'spec: !!set {proxy}\n',
      'settings.yaml: has a value with the tag !!set; allowed',
    ],
    ['an ordered map', 'spec: !!omap [proxy: {}]\n', 'settings.yaml: has a value with the tag !!omap; allowed'],
    ['bytes', 'spec: {mode: !!binary aGk=}\n', 'settings.yaml: has a value with the tag !!binary; allowed'],
    ['a merge of what is no map', 'spec:\n  <<: 5\n', 'settings.yaml: is not YAML: Merge sources must be maps'],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]\n`)
        .join('')}`,
      'settings.yaml: is not YAML: Excessive alias count',
    ],
    ['nothing', '', 'settings.yaml: is empty'],
    ['remarks alone', '# later\n---\n', 'settings.yaml: is empty'],
    ['a list', '- a\n', 'settings.yaml: '],
    ['a word', 'yes\n', 'settings.yaml: '],
    ['the key __proto__', `${head}__proto__: {spec: 1}\n`, 'settings.yaml: __proto__: unknown key'],
  ])('%s', async (_what, text, problem) => {
    await writeFile(settings, text);
    expect((await problemsOf({ settings }))[0]?.slice(0, problem.length)).toBe(problem);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('the position is said once', async () => {
    await writeFile(settings, 'a: [1\nb: 2\n');
    for (const problem of await problemsOf({ settings })) expect(problem).not.toMatch(/line.*line/);
  });
});

test('all problems of all files come at once', async () => {
  await writeFile(settings, `${head}spec: {proxy: {imag: x, logLevel: loud}}\n`);
  await writeFile(path.join(sidecars, 'a.yaml'), `${template('fine')}---\n${template('Bad')}`);
  await writeFile(path.join(sidecars, 'b.yaml'), 'a: [\n');
  const problems = await problemsOf({ settings, sidecars: [sidecars] });
  for (const start of [
    'settings.yaml: spec.proxy.logLevel: ',
    'settings.yaml: spec.proxy.imag: ',
    'sidecars/a.yaml: document 2: metadata.name: ',
    'sidecars/b.yaml: line ',
  ]) {
    expect(problems.filter((problem) => problem.startsWith(start))).toHaveLength(1);
  }
});

test('templates that do not go together name the file', async () => {
  await writeFile(path.join(sidecars, 'a.yaml'), template('one'));
  await writeFile(path.join(sidecars, 'b.yaml'), template('one'));
  await writeFile(path.join(sidecars, 'c.yaml'), template('sidecar'));
  expect(await problemsOf({ sidecars: [sidecars] })).toEqual([
    'sidecars/b.yaml: metadata.name: "one" is there twice',
    'sidecars/c.yaml: metadata.name: "sidecar" is reserved for the built-in proxy',
  ]);
  await rm(path.join(sidecars, 'b.yaml'));
  await rm(path.join(sidecars, 'c.yaml'));
  await writeFile(settings, `${head}spec: {injection: {defaultTemplates: [two]}}\n`);
  expect(await problemsOf({ settings, sidecars: [sidecars] })).toEqual([
    'settings.yaml: spec.injection.defaultTemplates[0]: "two" is not a known sidecar; known: sidecar, one',
  ]);
});

describe('settings with which every pod would be denied are refused', () => {
  const declared = (name: string, spec: string): string =>
    `apiVersion: sidecar-injector.io/v1alpha1\nkind: SidecarTemplate\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const withDefaults = (more = ''): Promise<void> =>
    writeFile(settings, `${head}spec: {injection: {defaultTemplates: [sidecar, one, two]}${more}}\n`);
  const start =
    'settings.yaml: spec.injection.defaultTemplates: every pod that does not choose its sidecars would be denied: ';
  const problems = () => problemsOf({ settings, sidecars: [sidecars] });
  const write = async (one: string): Promise<void> => {
    await writeFile(path.join(sidecars, 'one.yaml'), declared('one', one));
    await writeFile(path.join(sidecars, 'two.yaml'), template('two'));
  };

  test('defaults that exclude each other', async () => {
    await write('{conflicts: [two]}');
    await withDefaults();
    expect(await problems()).toEqual([
      `${start}sidecar "one" does not go together with sidecar "two"; choose one (TemplateConflict)`,
    ]);
  });

  test('defaults that clash in a name or a port', async () => {
    await write('{containers: [{name: c-two, image: x}]}');
    await withDefaults();
    expect((await problems()).join()).toContain('(NameConflict)');
    await write('{containers: [{name: c-one, image: x, ports: [{containerPort: 15021}]}]}');
    expect((await problems()).join()).toContain('(PortConflict)');
  });

  test('a default with privileges that no namespace may give, but not one that some may', async () => {
    await write('{containers: [{name: c-one, image: x, securityContext: {privileged: true}}]}');
    await withDefaults();
    expect((await problems()).join()).toContain('(PrivilegeNotAllowed)');
    await withDefaults(', sidecars: {allowPrivilegedIn: ["team-*"]}');
    expect(await load({ settings, sidecars: [sidecars] })).toHaveProperty('snapshot');
  });

  test('a default for which a pod has to name a Secret, where none may', async () => {
    const parameter = '{annotation: a/b, field: /volumes/0/secret/secretName, type: secretName, required: true}';
    await write(
      `{parameters: [${parameter}], containers: [{name: c-one, image: x}], volumes: [{name: v, secret: {secretName: x}}]}`,
    );
    await withDefaults();
    expect((await problems()).join()).toContain('a/b has to name a Secret, which no pod may');
    await withDefaults(', sidecars: {allowSecretsIn: ["team-*"]}');
    expect(await load({ settings, sidecars: [sidecars] })).toHaveProperty('snapshot');
  });
});

describe('templates of several places', () => {
  test('are files and folders, each file once, in the order in which they are named', async () => {
    const inner = path.join(folder, 'more', 'inner');
    await mkdir(inner, { recursive: true });
    await writeFile(path.join(sidecars, 'b.yaml'), template('b'));
    await writeFile(path.join(sidecars, 'a.yaml'), template('a'));
    await writeFile(path.join(folder, 'more', 'c.yaml'), template('c'));
    await writeFile(path.join(inner, 'd.yaml'), 'not: a template');
    const { snapshot } = await load({
      sidecars: [path.join(sidecars, 'b.yaml'), path.join(folder, 'more'), sidecars, `${sidecars}/../sidecars`],
    });
    expect([...snapshot.templates.keys()]).toEqual(['b', 'c', 'a']);
  });

  test('are folders of folders, without what is deeper and without kustomize’s own file', async () => {
    await mkdir(path.join(sidecars, 'two', 'tests'), { recursive: true });
    await mkdir(path.join(sidecars, 'one'));
    await writeFile(path.join(sidecars, 'kustomization.yaml'), 'kind: Kustomization');
    await writeFile(path.join(sidecars, 'two', 'template.yaml'), template('two'));
    await writeFile(path.join(sidecars, 'two', 'tests', 'two.yaml'), 'not: a template');
    await writeFile(path.join(sidecars, 'one', 'template.yaml'), template('one'));
    expect([...(await load({ sidecars: [sidecars] })).snapshot.templates.keys()]).toEqual(['one', 'two']);
  });

  test('the shipped folder is one', async () => {
    const { snapshot } = await load({ sidecars: [path.join(root, 'deploy/sidecars')] });
    expect([...snapshot.templates.keys()]).toContain('log-shipper');
  });

  test('a folder of folders without templates is a mistake that is said', async () => {
    await mkdir(path.join(sidecars, 'log-shipper', 'tests'), { recursive: true });
    expect(await problemsOf({ sidecars: [sidecars] })).toEqual([
      'sidecars: no .yaml, .yml or .json file is there, nor in one of its folders',
    ]);
  });

  test('a ConfigMap without keys, as the kubelet mounts it, is none', async () => {
    await mkdir(path.join(sidecars, '..2026_11_27'));
    expect((await load({ sidecars: [sidecars] })).snapshot.templates.size).toBe(0);
  });

  test('the same template in two files is there twice', async () => {
    await writeFile(path.join(sidecars, 'a.yaml'), template('a'));
    const other = path.join(folder, 'other.yaml');
    await writeFile(other, template('a'));
    expect(await problemsOf({ sidecars: [sidecars, other] })).toEqual([
      'other.yaml: metadata.name: "a" is there twice',
    ]);
  });
});

test('files that cannot be read say why', async () => {
  await writeFile(path.join(folder, 'file'), '');
  expect(await problemsOf({ settings: path.join(folder, 'none.yaml'), sidecars: [path.join(folder, 'none')] })).toEqual(
    ['none.yaml: cannot be read: no such file or directory', 'none: cannot be read: no such file or directory'],
  );
  expect(await problemsOf({ settings: sidecars, sidecars: [path.join(folder, 'file')] })).toEqual([
    'sidecars: cannot be read: is a directory, not a file',
    'file: cannot be read: is a file, not a directory',
  ]);
});

test('a pipe in a directory is refused, and not waited for', async () => {
  await writeFile(path.join(sidecars, 'a.yaml'), template('a'));
  execFileSync('mkfifo', [path.join(sidecars, 'b.yaml')]);
  expect(await problemsOf({ sidecars: [sidecars] })).toEqual([
    'sidecars/b.yaml: is a pipe, a socket or a device, not a file',
  ]);
});

describe('root certificates of a mesh', () => {
  const day = 24 * 60 * 60 * 1000;
  const { certificate } = createEllipticAuthority({ name: 'mesh', now: new Date(), lifetimeMs: day });

  async function rootsOf(text: string | undefined, mayBeMissing = false) {
    const file = path.join(folder, 'root.pem');
    if (text !== undefined) await writeFile(file, text);
    return { meshRoots: { file, mayBeMissing } };
  }

  test('are read without whatever else is in the file', async () => {
    const paths = await rootsOf(`# mesh\n${certificate}junk\n${certificate}`);
    const { snapshot } = await load(paths);
    expect(snapshot.hash).toBe((await load(await rootsOf(`${certificate}${certificate}`))).snapshot.hash);
    expect(snapshot.hash).not.toBe((await load({})).snapshot.hash);
  });

  test('may come later, where the control plane writes them', async () => {
    expect((await load(await rootsOf(undefined, true))).snapshot.hash).toBe((await load({})).snapshot.hash);
    expect(await problemsOf(await rootsOf(undefined))).toEqual(['root.pem: cannot be read: no such file or directory']);
  });

  test('that are none are refused', async () => {
    expect(await problemsOf(await rootsOf(''))).toEqual(['root.pem: has no certificate in PEM']);
    const broken = '-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n';
    expect(await problemsOf(await rootsOf(certificate + broken))).toEqual([
      'root.pem: certificate 2: cannot be parsed',
    ]);
    const now = new Date();
    const authority = createEllipticAuthority({ name: 'mesh', now, lifetimeMs: day });
    const leaf = createLeafIssuer(authority).issue({ names: { dns: ['x'] }, now, lifetimeMs: day });
    expect(await problemsOf(await rootsOf(leaf.certificate))).toEqual([
      'root.pem: certificate 1: is not that of an authority',
    ]);
    expect(await problemsOf(await rootsOf(authority.privateKey))).toEqual(['root.pem: has no certificate in PEM']);
  });

  test('may be of RSA', async () => {
    const rsa = await createAuthority({ now: new Date(), lifetimeMs: day });
    const { snapshot } = await load(await rootsOf(rsa.certificate));
    expect(snapshot.bases.get('mesh')?.mesh?.roots).toBe(rsa.certificate.replaceAll('\r', ''));
  });

  test('that have all expired are refused; one may have', async () => {
    const old = (days: number) =>
      createEllipticAuthority({ name: 'mesh', now: new Date('2026-01-01T00:00:00Z'), lifetimeMs: days * day });
    expect(await problemsOf(await rootsOf(old(2).certificate + old(1).certificate))).toEqual([
      'root.pem: every certificate has expired, the last on 2026-01-03T00:00:00.000Z',
    ]);
    expect(await load(await rootsOf(old(1).certificate + certificate))).toHaveProperty('snapshot');
  });

  test('are few, because every pod carries them', async () => {
    const [problem] = await problemsOf(await rootsOf(certificate.repeat(1_000)));
    expect(problem).toBe(
      `root.pem: has ${certificate.length * 1_000} characters of certificates; allowed: at most 16384, because every pod of the mesh carries them`,
    );
  });
});
