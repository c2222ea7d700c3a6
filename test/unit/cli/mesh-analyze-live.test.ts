import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { kubeconfigText } from '../kubernetes/fake-api-server.ts';

const networking = '/apis/networking.istio.io';
const gateway = '/apis/gateway.networking.k8s.io';

const group = (...versions: readonly string[]) => ({ versions: versions.map((version) => ({ version })) });
const resources = (...all: readonly (readonly [name: string, kind: string, verbs?: readonly string[]])[]) => ({
  resources: all.map(([name, kind, verbs = ['get', 'list']]) => ({ name, kind, verbs })),
});
const items = (name: string, spec: object = {}) => ({ items: [{ metadata: { namespace: 'shop', name }, spec }] });
const route = (parent: string) => items(`for-${parent.toLowerCase()}`, { parentRefs: [{ kind: parent, name: 'a' }] });

describe('mesh analyze of a cluster', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-analyze-'));
  /** Answers by path; a number is a status. */
  let answers: Record<string, object | number> = {};
  const server = createServer((request, response) => {
    const answer = answers[(request.url ?? '').split('?', 1)[0] ?? ''] ?? 404;
    const [status, body] =
      typeof answer === 'number' ? [answer, { kind: 'Status', message: 'says no' }] : [200, answer];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const analyze = (...words: readonly string[]) =>
    runCommand(['mesh', 'analyze', '--live', '--kubeconfig', path.join(folder, 'config'), ...words]);

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const to = { server: `http://127.0.0.1:${port}`, cluster: { 'insecure-skip-tls-verify': true }, user: {} };
    writeFileSync(path.join(folder, 'config'), kubeconfigText(to));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    answers = {
      [networking]: group('v1', 'v1alpha3'),
      [`${networking}/v1`]: resources(
        ['virtualservices', 'VirtualService'],
        ['virtualservices/status', 'Other', ['get']],
      ),
      [`${networking}/v1alpha3`]: resources(['envoyfilters', 'EnvoyFilter'], ['virtualservices', 'VirtualService']),
      [`${networking}/v1alpha3/envoyfilters`]: items('lua'),
    };
  });

  const sentence = (kind: string, of: string): string =>
    `  no effect: /kind: "${kind}" of ${of} is no kind that this mesh reads; it needs istiod (UnknownKind)\n`;

  test('names objects of kinds that a control plane does not read', async () => {
    expect(await analyze()).toEqual({
      code: 3,
      stdout: `EnvoyFilter shop/lua\n${sentence('EnvoyFilter', 'networking.istio.io')}0 rules, 1 refused or without effect, 0 with warnings\n`,
      stderr: '',
    });
  });

  test('and those whose kind is served in no version that it reads', async () => {
    answers[networking] = group('v2');
    answers[`${networking}/v2`] = resources(['virtualservices', 'VirtualService']);
    answers[`${networking}/v2/virtualservices`] = items('cart');
    const { code, stdout } = await analyze();
    expect(stdout).toContain(
      'VirtualService shop/cart\n  no effect: /apiVersion: "networking.istio.io/v2": this mesh reads networking.istio.io/v1, ',
    );
    expect(code).toBe(3);
  });

  test('and of routes those for a Service alone, as a gateway may be somebody else’s', async () => {
    answers = {
      [gateway]: group('v1', 'v1alpha2'),
      [`${gateway}/v1`]: resources(['gateways', 'Gateway'], ['httproutes', 'HTTPRoute']),
      [`${gateway}/v1alpha2`]: resources(['tcproutes', 'TCPRoute'], ['tlsroutes', 'TLSRoute']),
      [`${gateway}/v1/gateways`]: 403,
      [`${gateway}/v1alpha2/tcproutes`]: route('Service'),
      [`${gateway}/v1alpha2/tlsroutes`]: route('Gateway'),
    };
    const { stdout, stderr } = await analyze();
    expect([stdout, stderr]).toEqual([
      `TCPRoute shop/for-service\n${sentence('TCPRoute', 'gateway.networking.k8s.io')}0 rules, 1 refused or without effect, 0 with warnings\n`,
      '',
    ]);
  });

  test('an object that a file replaces is said once', async () => {
    const file = path.join(folder, 'lua.yaml');
    writeFileSync(
      file,
      'apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {namespace: shop, name: lua}\n',
    );
    const { stdout } = await analyze('-f', file);
    expect(stdout.match(/EnvoyFilter shop\/lua/g)).toHaveLength(1);
  });

  test('says what it may not look at, and goes on', async () => {
    answers[`${networking}/v1alpha3/envoyfilters`] = 403;
    answers['/apis/telemetry.istio.io'] = 403;
    const { code, stdout, stderr } = await analyze();
    const unknown = 'note: it is not known whether there are objects that this mesh does not read:';
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(`^${unknown} EnvoyFilter of networking.istio.io: .* answered 403: says no$`),
      expect.stringMatching(`^${unknown} kinds of telemetry.istio.io: .* answered 403: says no$`),
      '',
    ]);
    expect([code, stdout]).toEqual([0, '0 rules, 0 refused or without effect, 0 with warnings\n']);
  });

  test('ends if the cluster does not answer', async () => {
    answers[`${networking}/v1alpha3/envoyfilters`] = 400;
    expect(await analyze()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('answered 400') });
  });
});
