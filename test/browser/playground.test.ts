import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { buildPlayground } from '../../scripts/playground.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { servePage, type ServedPage } from '../support/browser/served-page.ts';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let served: ServedPage;
let page: Page;
/** What the browser said on its console, and what it asked for. */
let said: string[];
let requested: string[];

beforeAll(async () => {
  served = await servePage(await buildPlayground());
  browser = await launchChromium();
  page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('request', (request) => requested.push(request.url().replace(/^(blob|data):.*/s, '$1:')));
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.stop();
});

async function openPage(fragment = ''): Promise<void> {
  await page.goto('about:blank');
  said = [];
  requested = [];
  await page.goto(`${served.url}${fragment}`);
}

const status = (text: RegExp | string) => page.getByRole('status').filter({ hasText: text }).waitFor();
const manifest = () => page.getByLabel('Manifests, as YAML or JSON');
const badge = () => page.locator('.badge').first();
const pod = (name: string, more = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: web, image: nginx}]}\n${more}`;

/** One pod of each outcome, and a warning. */
const everyOutcome = [
  pod('injected').replace('{name: injected}', '{name: injected, annotations: {sidecar.istio.io/agentLogLevel: debug}}'),
  pod('denied').replace('{name: denied}', '{name: denied, annotations: {sidecar.istio.io/logLevel: loud}}'),
  pod('left').replace('{name: left}', "{name: left, labels: {sidecar.istio.io/inject: 'false'}}"),
  'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n',
].join('---\n');

describe('the page', () => {
  beforeEach(async () => {
    await openPage();
    await status('1 injected');
  });

  test('opens with an example and its answer', async () => {
    expect(await badge().textContent()).toBe('Injected');
    expect(await page.locator('.reasons').first().textContent()).toContain('(PolicyEnabled)');
    expect(await page.locator('#result ins').filter({ hasText: 'name: istio-proxy' }).count()).toBe(1);
    expect(await page.locator('#result del').textContent()).toContain('/healthz');
    expect(said).toEqual([]);
  });

  test('asks nobody for anything', async () => {
    await page.getByRole('button', { name: 'Copy link' }).click();
    await status('the link is in the address bar');
    expect(requested.filter((url) => url !== 'blob:' && url !== 'data:')).toEqual([served.url]);
  });

  test('answers what is typed', async () => {
    await manifest().fill(pod('typed', 'metadata: {name: twice}\n'));
    await status('nothing was decided');
    expect(await page.locator('.problem').textContent()).toContain('manifest:5:1');
    await manifest().fill(
      pod('typed').replace('spec:', 'spec: {hostNetwork: true, containers: [{name: a, image: b}]}\nx:'),
    );
    await status('1 left alone; 0 lines added');
    expect(await page.locator('.reasons').textContent()).toContain('hostNetwork: true');
  });

  test('takes dropped files', async () => {
    const files = [1, 2].map((number) => ({ name: `${number}.yaml`, text: pod(`dropped-${number}`) }));
    await page.evaluate(`{
      const transfer = new DataTransfer();
      for (const { name, text } of ${JSON.stringify(files)}) transfer.items.add(new File([text], name));
      document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }`);
    await status('2 injected');
  });

  test('draws who talks to whom through which port, and says it', async () => {
    await page.getByLabel('Example').selectOption({ label: 'A pod with traffic that bypasses the proxy' });
    const picture = page.getByRole('img', { name: 'Traffic of the pod' });
    await picture.filter({ hasText: '9000-9010' }).waitFor();
    const text = await picture.textContent();
    for (const part of [':15006', ':15001', ':15020', 'ports 3306, 5432', 'shop  :8080 :9000', 'REDIRECT']) {
      expect(text).toContain(part);
    }
    const description =
      'Inbound through the proxy at port 15006: TCP, every other port. Inbound past the proxy: ports 9000-9010.';
    expect(await picture.locator('desc').textContent()).toContain(description);
  });

  test('sets, completes, changes and removes an annotation', async () => {
    const name = page.getByLabel('Name', { exact: true });
    const value = page.getByLabel('Value');
    expect(await page.locator('#names option').count()).toBeGreaterThan(60);
    await name.fill('sidecar.istio.io/interceptionMode');
    expect(
      await page.locator('#values option').evaluateAll((options) => options.map((one) => one.getAttribute('value'))),
    ).toEqual(['REDIRECT', 'NONE']);
    expect(await page.locator('#help').textContent()).toContain('REDIRECT, NONE');
    await value.fill('NONE');
    await value.press('Enter');
    await page.getByRole('img').filter({ hasText: 'nothing is redirected' }).waitFor();
    expect(await manifest().inputValue()).toContain('        sidecar.istio.io/interceptionMode: NONE\n');
    await page.getByRole('button', { name: 'Change annotation sidecar.istio.io/interceptionMode' }).click();
    await value.fill('SOME');
    await value.press('Enter');
    await status('1 denied');
    expect(await page.locator('.reasons').first().textContent()).toContain('"SOME" is not allowed; allowed: REDIRECT');
    await page.getByRole('button', { name: 'Remove annotation sidecar.istio.io/interceptionMode' }).click();
    await status('1 injected');
    expect(await manifest().inputValue()).not.toContain('interceptionMode');
  });

  test('sets a setting, with its default in the help', async () => {
    await page.getByLabel('Set', { exact: true }).selectOption('setting');
    await page.getByLabel('Name', { exact: true }).fill('injection.paused');
    expect(await page.locator('#help').textContent()).toContain('Defaultfalse');
    await page.getByLabel('Value').fill('true');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await status('1 left alone');
    expect(await page.getByLabel('Settings and sidecar templates, as YAML or JSON').inputValue()).toContain(
      'paused: true',
    );
    await page.getByLabel('Name', { exact: true }).fill('injection.policy');
    await page.getByLabel('Value').fill('perhaps');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.locator('.problem').filter({ hasText: 'spec.injection.policy' }).waitFor();
  });

  test('knows the namespace', async () => {
    await page.getByLabel('Labels of the namespace').fill('');
    await status('1 left alone');
    expect(await page.locator('.reasons').first().textContent()).toContain('the API server does not ask for this pod');
    await page.getByLabel('Labels of the namespace').fill('istio-injection=enabled');
    await page.getByLabel('Namespace', { exact: true }).fill('kube-system');
    await status('1 left alone');
  });

  test('a link holds everything', async () => {
    await manifest().fill(pod('linked'));
    await page.getByLabel('Namespace', { exact: true }).fill('shop');
    await page.locator('h3').filter({ hasText: 'linked' }).waitFor();
    await page.context().grantPermissions(['clipboard-write', 'clipboard-read']);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await status('The link was copied');
    const url = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(url).toBe(page.url());
    await openPage(url.slice(served.url.length));
    await page.locator('h3').filter({ hasText: 'linked' }).waitFor();
    expect(await manifest().inputValue()).toBe(pod('linked'));
    expect(await page.getByLabel('Namespace', { exact: true }).inputValue()).toBe('shop');
  });

  test('a broken link is said to be one', async () => {
    await openPage('#v1=abcdef');
    await page.locator('.problem').filter({ hasText: 'the link cannot be read' }).waitFor();
  });

  test('is used with the keyboard alone', async () => {
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent",
      );
    const order: string[] = [];
    await page.evaluate('document.activeElement.blur()');
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press('Tab');
      const id = await focused();
      order.push(id);
      if (id === 'result') break;
    }
    expect(order.slice(0, 10)).toEqual([
      'Skip to the answer',
      'link',
      'example',
      'open',
      'manifest',
      'kind',
      'name',
      'value',
      'Set',
      'Change label app',
    ]);
    expect(order.slice(-4)).toEqual(['only', 'copy', 'download', 'result']);
    await page.evaluate('document.activeElement.blur()');
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('verdicts-heading');
  });

  test('shows only what changes, and downloads everything', async () => {
    const whole = await page.locator('#result > *').count();
    await page.getByLabel('only what changes').check();
    expect(await page.locator('#result > *').count()).toBeLessThan(whole);
    expect(await page.locator('.fold').first().textContent()).toContain('unchanged');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    expect(text.split('\n').length).toBeGreaterThan(200);
    expect(text).toContain('name: istio-proxy');
  });
});

describe.each([
  ['light', 1440],
  ['dark', 1440],
  ['light', 390],
  ['dark', 390],
] as const)('in %s, %i wide', (colorScheme, width) => {
  test('axe finds no barrier, and nothing is wider than the page', async () => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await openPage();
    await manifest().fill(everyOutcome);
    await status('1 injected, 1 denied, 1 left alone, 1 without a pod');
    await page.locator('.warning').first().waitFor();
    await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
    await page.getByRole('img', { name: 'Traffic of the pod' }).waitFor();
    await page.evaluate(axe);
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    );
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });
});

// 320 is what WCAG (1.4.10) asks for: nobody should have to scroll in two directions.
describe.each([390, 320])('on a phone of %i', (width) => {
  let phone: Page;
  beforeAll(async () => {
    const options = { viewport: { width, height: 740 }, isMobile: true, hasTouch: true };
    phone = await (await browser.newContext(options)).newPage();
    phone.setDefaultTimeout(20_000);
    await phone.goto(served.url);
    await phone.getByRole('status').filter({ hasText: '1 injected' }).waitFor();
    await phone.getByRole('img', { name: 'Traffic of the pod' }).waitFor();
  });
  afterAll(() => phone.context().close());

  test('the answer is below the question, and every control is in view and large enough for a finger', async () => {
    const boxes = await phone.evaluate<readonly (readonly [string, number, number, number])[]>(
      `[...document.querySelectorAll('section, button, select, input, textarea, summary, #result')]
        .filter((one) => one.checkVisibility() && one.getAttribute('type') !== 'checkbox')
        .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
        .map(([name, { left, right, height }]) => [name, left, right, height])`,
    );
    expect(boxes.length).toBeGreaterThan(15);
    expect(boxes.filter(([, left, right]) => left < 0 || right > width)).toEqual([]);
    expect(boxes.filter(([, , , height]) => height < 24)).toEqual([]);
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(width);
    const [asked, answered] = await Promise.all(['#asked', '#answered'].map((id) => phone.locator(id).boundingBox()));
    expect(answered?.y).toBeGreaterThanOrEqual((asked?.y ?? 0) + (asked?.height ?? 0));
  });

  test('the picture scrolls within its frame, and is not shrunk beyond reading', async () => {
    const picture = phone.getByRole('img', { name: 'Traffic of the pod' });
    expect((await picture.boundingBox())?.width).toBeGreaterThan(width);
    const frame = picture.locator('xpath=ancestor::*[contains(@class, "scroll")]').first();
    expect((await frame.boundingBox())?.width).toBeLessThanOrEqual(width);
    expect(await frame.getAttribute('tabindex')).toBe('0');
  });

  test('is used by taps', async () => {
    await phone.getByLabel('Name', { exact: true }).fill('sidecar.istio.io/interceptionMode');
    await phone.getByLabel('Value').fill('SOME');
    await phone.getByRole('button', { name: 'Set', exact: true }).tap();
    await phone.getByRole('status').filter({ hasText: '1 denied' }).waitFor();
    await phone.getByRole('button', { name: 'Remove annotation sidecar.istio.io/interceptionMode' }).tap();
    await phone.getByRole('status').filter({ hasText: '1 injected' }).waitFor();
    await phone.getByLabel('only what changes').tap();
    expect(await phone.locator('.fold').first().textContent()).toContain('unchanged');
  });
});
