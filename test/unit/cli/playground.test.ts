import { get, type IncomingMessage } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createPageServer } from '../../../src/cli/commands/playground/page-server.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-playground-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'" />`;

async function ask(method: string, url: string) {
  const server = createPageServer(page);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const request = get({ host: '127.0.0.1', port, path: url, method });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  server.close();
  server.closeAllConnections();
  return { status: response.statusCode, headers: response.headers, text };
}

describe('the server of the playground', () => {
  test('gives the page with its own policy, which no other page can frame', async () => {
    const { status, headers, text } = await ask('GET', '/?x');
    expect([status, text]).toEqual([200, page]);
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(await ask('HEAD', '/')).toMatchObject({ status: 200, text: '' });
  });

  test('says what docs/operations.md has other servers say', async () => {
    const text = await readFile(path.join(root, 'docs/operations.md'), 'utf8');
    const block = /^```nginx\n([\s\S]*?)^```/m.exec(text)?.[1] ?? '';
    const told = [...block.matchAll(/add_header (\S+) (?:"([^"]*)"|(\S+));/g)].map(
      ([, name = '', quoted, bare = '']) => [name.toLowerCase(), quoted ?? bare] as const,
    );
    const { headers } = await ask('GET', '/');
    const own = "default-src 'none'; ";
    const served = Object.entries(headers).map(([name, value]) => [name, String(value).replace(own, '')] as const);
    const bySelf = new Set(['content-type', 'content-length', 'date', 'connection', 'keep-alive']);
    const wanted = served.filter(([name]) => !bySelf.has(name));
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(wanted));
  });

  test.each([
    ['GET', '/other', 404],
    ['GET', '/../etc/passwd', 404],
    ['POST', '/', 405],
  ])('%s %s: %i', async (method, url, status) => {
    expect((await ask(method, url)).status).toBe(status);
  });

  test('a page without a policy is not served', () => {
    expect(() => createPageServer('<html>')).toThrow('the page has no policy');
  });
});

describe('playground', () => {
  test.each(['-1', '65536', 'x', '1e3'])('--port %s is refused', async (port) => {
    expect(await runCommand(['playground', `--port=${port}`])).toEqual({
      stdout: '',
      stderr: `error: --port: "${port}" is not a port\nhint: give 0 to 65535\n`,
      code: 2,
    });
  });
});
