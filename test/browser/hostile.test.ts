import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { buildPlayground } from '../../scripts/playground.ts';
import { writeFragment } from '../../src/playground/share-link.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { servePage, type ServedPage } from '../support/browser/served-page.ts';

let built: string;
let browser: Browser;
let served: ServedPage;
const others: ServedPage[] = [];
let stranger: Server;
/** What reached a server that the page has no business with. */
const reached: string[] = [];
const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-page-'));

beforeAll(async () => {
  built = await buildPlayground();
  served = await servePage(built);
  writeFileSync(path.join(folder, 'playground.html'), built);
  stranger = createServer((request, response) => {
    reached.push(request.url ?? '');
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('{}');
  });
  stranger.on('upgrade', (request, socket) => {
    reached.push(request.url ?? '');
    socket.destroy();
  });
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  browser = await launchChromium();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.stop();
  stranger.close();
  stranger.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await Promise.all([
    ...browser.contexts().map((context) => context.close()),
    ...others.splice(0).map((one) => one.stop()),
  ]);
});

const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: nginx}]}\n';

/** Serves a changed page, and returns its address. */
async function serve(page: string): Promise<string> {
  const other = await servePage(page);
  others.push(other);
  return other.url;
}

const strangerUrl = (scheme: string) => `${scheme}://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
const status = (page: Page, text: RegExp | string) => page.getByRole('status').filter({ hasText: text }).waitFor();

async function open(url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  return page;
}

describe('a hostile manifest', () => {
  const script = `"><img src=x onerror="window.ran = 1"><svg onload="window.ran = 1"></script><script>window.ran = 1</script>`;
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: `Pod`,
    metadata: {
      name: script,
      annotations: {
        [script]: script,
        'traffic.sidecar.istio.io/excludeOutboundPorts': '1',
        'sidecar.istio.io/logLevel': 'debug',
      },
      labels: { app: script },
    },
    spec: { containers: [{ name: script, image: script, ports: [{ containerPort: script }] }] },
  });

  test('is text and nothing else, from a link too', async () => {
    const fragment = await writeFragment({
      manifest: `${text}\n---\n{"kind": ${JSON.stringify(script)}, "apiVersion": ${JSON.stringify(script)}}\n`,
      settings: '',
      namespace: '',
      namespaceLabels: 'istio-injection=enabled',
    });
    const page = await open(`${served.url}#${fragment}`);
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await status(page, '1 without a pod');
    await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
    expect(await page.locator('h3').first().textContent()).toContain('<img src=x');
    expect(await page.locator('img, main script, main svg[onload]').count()).toBe(0);
    expect(await page.evaluate('window.ran')).toBeUndefined();
    await page.getByLabel('Settings and sidecar templates, as YAML or JSON').fill(`kind: ${JSON.stringify(script)}`);
    await page.locator('.problem').filter({ hasText: '<img src=x' }).waitFor();
    expect(await page.evaluate('window.ran')).toBeUndefined();
    expect(said).toEqual([]);
  });

  const shapes: readonly (readonly [name: string, text: string, what: RegExp])[] = [
    ['too long', `# ${'x'.repeat(1_000_000)}`, /allowed here: at most 1,000,000/],
    ['nested too deeply', '['.repeat(100_000), /nested too deeply/],
    ['JSON nested too deeply', `${'['.repeat(2_000)}${']'.repeat(2_000)}`, /nested too deeply/],
    [
      'an alias bomb',
      `a: &a [x, x, x, x, x, x, x, x, x, x]\n${Array.from('bcdefghij')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]}, `.repeat(10)}]`)
        .join('\n')}\n`,
      /alias/i,
    ],
  ];

  test('that cannot be read, is refused, and the next one is answered', async () => {
    const page = await open(served.url);
    for (const [, shape, what] of shapes) {
      await status(page, '1 injected');
      await page.getByLabel('Manifests, as YAML or JSON').fill(shape);
      await page.locator('.problem').filter({ hasText: what }).waitFor();
      await page.getByLabel('Manifests, as YAML or JSON').fill(pod);
    }
    await status(page, '1 injected');
  });

  test('that takes too long, is stopped, and the next one is answered', async () => {
    const endless = built.replace(
      '<script type="text/plain" id="engine">',
      `$&addEventListener('message', ({ data }) => { while (data.asked.question?.manifest.includes('endless')); });`,
    );
    const page = await open(await serve(endless));
    await status(page, '1 injected');
    await page.getByLabel('Manifests, as YAML or JSON').fill('kind: endless');
    const stopped = page.locator('.problem').filter({ hasText: 'took longer than 5 s and was stopped' }).waitFor();
    // The page itself goes on.
    await page.getByLabel('only what changes').check();
    await page.locator('.fold').first().waitFor();
    await stopped;
    await page.getByLabel('Manifests, as YAML or JSON').fill(pod);
    await status(page, '1 injected');
  });
});

describe('nothing leaves the browser', () => {
  const attempts: readonly (readonly [name: string, code: (url: (scheme: string) => string) => string])[] = [
    ['fetch', (url) => `fetch('${url('http')}/fetch').catch(() => 0)`],
    [
      'XMLHttpRequest',
      (url) =>
        `new Promise((done) => { const it = new XMLHttpRequest(); it.onloadend = done; it.open('GET', '${url('http')}/xhr'); it.send(); }).then(() => 0, () => 0)`,
    ],
    ['sendBeacon', (url) => `navigator.sendBeacon('${url('http')}/beacon', 'x') && 0`],
    [
      'a socket',
      (url) =>
        `new Promise((done) => { const it = new WebSocket('${url('ws')}/socket'); it.onerror = it.onclose = () => done(0); })`,
    ],
    [
      'events',
      (url) =>
        `new Promise((done) => { const it = new EventSource('${url('http')}/events'); it.onerror = () => { it.close(); done(0); }; })`,
    ],
    [
      'an image',
      (url) =>
        `new Promise((done) => { const it = new Image(); it.onerror = it.onload = () => done(0); it.src = '${url('http')}/image'; })`,
    ],
    [
      'a style sheet',
      (url) =>
        `new Promise((done) => { const it = document.createElement('link'); it.rel = 'stylesheet'; it.onerror = it.onload = () => done(0); it.href = '${url('http')}/style'; document.head.append(it); })`,
    ],
    [
      'a frame',
      (url) =>
        `new Promise((done) => { addEventListener('securitypolicyviolation', () => done(0), { once: true }); const it = document.createElement('iframe'); it.onload = () => done(0); it.src = '${url('http')}/frame'; document.body.append(it); })`,
    ],
    [
      'a form',
      (url) =>
        `new Promise((done) => { addEventListener('securitypolicyviolation', () => done(0), { once: true }); const it = document.createElement('form'); it.action = '${url('http')}/form'; document.body.append(it); it.submit(); })`,
    ],
  ];

  const places = {
    served: () => served.url,
    'from a file': () => pathToFileURL(path.join(folder, 'playground.html')).href,
  };

  test.each(Object.entries(places))('%s', async (_, url) => {
    const page = await open(url());
    await status(page, '1 injected');
    for (const [name, code] of attempts) {
      await page.evaluate(code(strangerUrl));
      expect([name, reached]).toEqual([name, []]);
    }
  });

  test('of the worker, either', async () => {
    const chatty = built.replace(
      '<script type="text/plain" id="engine">',
      `$&addEventListener('message', (event) => {
        event.stopImmediatePropagation();
        fetch('${strangerUrl('http')}/worker').then(() => 'arrived', (error) => error.name)
          .then((outcome) => postMessage({ id: event.data.id, defect: 'fetch: ' + outcome }));
      });`,
    );
    const page = await open(await serve(chatty));
    await status(page, 'fetch: TypeError');
    expect(reached).toEqual([]);
  });

  test('without the policy these attempts arrive, so that the test would see them', async () => {
    const free = built.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
    const file = path.join(folder, 'open.html');
    writeFileSync(file, free);
    const page = await open(pathToFileURL(file).href);
    for (const [, code] of attempts.slice(0, -1)) await page.evaluate(code(strangerUrl));
    expect(reached.toSorted()).toEqual([
      '/beacon',
      '/events',
      '/fetch',
      '/frame',
      '/image',
      '/socket',
      '/style',
      '/xhr',
    ]);
  });
});
