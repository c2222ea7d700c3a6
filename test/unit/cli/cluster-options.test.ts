import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { kubeconfigText, startFakeApiServer, type FakeApiServer } from '../kubernetes/fake-api-server.ts';

const pod = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}}';

/** Every command that asks a cluster and ends. */
const commands: readonly (readonly string[])[] = [
  ['mesh', 'status'],
  ['mesh', 'analyze', '--live'],
  ['mesh', 'explain', 'pod/web', 'cart'],
  ['mesh', 'explain', 'pod/web', 'cart', '--live', '-f', '-'],
  ['check'],
  ['explain', '--pod', 'shop/web'],
  ['diff', '-f', '-'],
  ['bugreport', '--file', '/nowhere/report.tar.gz'],
  ['rollout', 'status'],
  ['rollout', 'restart', '--outdated', '--dry-run'],
  ['rollout', 'set', 'v1-41', '5', '--dry-run'],
];

describe.each(commands.map((words) => [words.join(' '), words] as const))('%s', (_, words) => {
  let server: FakeApiServer;
  let file: string;
  beforeAll(async () => {
    server = await startFakeApiServer();
    file = path.join(server.folder, 'contexts');
    const { url, ca, token } = server;
    const config = JSON.parse(kubeconfigText({ server: url, ca, user: { token } })) as object;
    writeFileSync(file, JSON.stringify({ ...config, 'current-context': 'gone' }));
  });
  afterAll(() => server.close());
  const run = (...more: readonly string[]) => runCommand([...words, '--kubeconfig', file, ...more], pod);

  test('asks the cluster of --context, not that of the current one', async () => {
    expect((await run()).stderr).toContain(`cannot use kubeconfig '${file}': it has no context 'gone', but test`);
    expect(server.requests).toEqual([]);
    expect((await run('--context', 'test')).stderr).not.toContain('cannot use kubeconfig');
    expect(server.requests.map(({ authorization }) => authorization)).toContain(`Bearer ${server.token}`);
  });

  test('names the contexts that there are', async () => {
    expect(await run('--context', 'other')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        `error: cannot use kubeconfig '${file}': it has no context 'other', but test\nhint: `,
      ) as unknown,
    });
  });
});

describe('the files of $KUBECONFIG', () => {
  let server: FakeApiServer;
  const before = process.env['KUBECONFIG'];
  const run = async (files: readonly string[], ...more: readonly string[]) => {
    process.env['KUBECONFIG'] = files.join(':');
    const { code, stderr } = await runCommand(['mesh', 'analyze', '--live', ...more]);
    return [code, stderr];
  };
  /** A file with a context of this name, for this server. */
  const fileFor = (name: string, url: string, current = name): string => {
    const file = path.join(server.folder, `${name}-${current}`);
    const { ca, token } = server;
    const text = kubeconfigText({ server: url, ca, user: { token } }).replaceAll('"test"', `"${name}"`);
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(text) as object), 'current-context': current }));
    return file;
  };
  beforeAll(async () => {
    server = await startFakeApiServer();
    server.intercept = (_, response) => {
      response.writeHead(404).end(JSON.stringify({ kind: 'Status', message: 'not found' }));
      return true;
    };
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await server.close();
  });

  test('are read as one, as kubectl does: contexts of all, and what is there twice as the first has it', async () => {
    const nowhere = 'https://127.0.0.1:1';
    const [first, second] = [fileFor('first', nowhere), fileFor('second', server.url)];
    expect(await run([first, second], '--context', 'second')).toEqual([0, '']);
    expect(await run([first, second])).toEqual([1, expect.stringContaining('127.0.0.1:1')]);
    expect(await run([fileFor('first', server.url, ''), second])).toEqual([0, '']);
    const [shadow] = [fileFor('second', nowhere, 'x')];
    expect(await run([second, shadow])).toEqual([0, '']);
    expect(await run([first, second], '--context', 'third')).toEqual([
      1,
      expect.stringContaining("it has no context 'third', but first, second"),
    ]);
  });

  test('may be missing, but for the last one', async () => {
    const there = fileFor('there', server.url);
    expect(await run(['/nowhere', there, '/nowhere-2'])).toEqual([0, '']);
    expect(await run(['/nowhere', '/nowhere-2'])).toEqual([1, expect.stringContaining('/nowhere')]);
  });
});

describe.each([
  ['mesh', 'analyze'],
  ['mesh', 'explain', 'pod/web', 'cart'],
])('%s %s', (...words) => {
  test.each([
    [['--context', 'test'], '--context'],
    [['--kubeconfig', '/nowhere'], '--kubeconfig'],
    [['--context', 'test', '--kubeconfig', '/nowhere'], '--kubeconfig and --context'],
  ])('with files alone %j has no effect, and is refused', async (more, names) => {
    expect(await runCommand([...words, '-f', '-', ...more], pod)).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${names}: no cluster is looked at, only files\nhint: give --live, or leave out ${names}\n`,
    });
  });
});
