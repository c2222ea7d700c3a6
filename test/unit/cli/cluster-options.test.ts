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
    expect((await run()).stderr).toContain(
      `cannot use kubeconfig '${file}': its context 'gone' names no known cluster`,
    );
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
