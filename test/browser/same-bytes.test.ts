import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { root } from '../../scripts/checkout.ts';
import { buildPlayground } from '../../scripts/playground.ts';
import { reply, type Asked } from '../../src/playground/exchange.ts';
import { examples } from '../../src/playground/page/examples.ts';
import type { Question } from '../../src/playground/question.ts';
import { runCommand } from '../support/builders/recorded-io.ts';
import { launchChromium } from '../support/browser/chromium.ts';

const golden = path.join(root, 'test/golden/inject');
const sidecars = path.join(golden, 'sidecars');
const templates = readdirSync(sidecars).map((name) => readFileSync(path.join(sidecars, name), 'utf8'));

/** Files with manifests: their bytes differ in notation, line ends and what injection does to them. */
const files = [
  ...readdirSync(golden)
    .filter((name) => name.includes('.input.'))
    .map((name) => path.join(golden, name)),
  ...readdirSync(path.join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml') && !name.startsWith('gitops'))
    .map((name) => path.join(root, 'examples', name)),
];

const plain: Omit<Question, 'manifest'> = { settings: '', namespace: '', namespaceLabels: 'istio-injection=enabled' };

let browser: Browser;
let page: Page;

const engineOf = (text: string): string =>
  /<script type="text\/plain" id="engine">([^]*?)<\/script>/.exec(text)?.[1] ?? '';

const script = `
  const worker = new Worker(URL.createObjectURL(new Blob([engineText])));
  window.ask = (asked) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('defect' in data ? reject(new Error(data.defect)) : resolve(JSON.stringify(data.reply)));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ id: 1, asked });
  });`;

beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
  await page.evaluate(`{ const engineText = ${JSON.stringify(engineOf(await buildPlayground()))}; ${script} }`);
}, 60_000);

afterAll(() => browser.close());

async function askBrowser(asked: Asked): Promise<unknown> {
  return JSON.parse(await page.evaluate<string>(`window.ask(${JSON.stringify(asked)})`));
}

function askNode(asked: Asked): unknown {
  return JSON.parse(JSON.stringify(reply(asked)));
}

describe('browser, Node and the command line give the same bytes', () => {
  test.each(files.map((file) => [path.relative(root, file), file]))('%s', async (_, file) => {
    const question = { ...plain, manifest: readFileSync(file, 'utf8'), settings: templates.join('---\n') };
    const asked: Asked = { ask: 'answer', question };
    const inBrowser = (await askBrowser(asked)) as { answer: { result?: string } };
    expect(inBrowser).toEqual(askNode(asked));
    const labels = ['--namespace-labels', plain.namespaceLabels];
    const command = await runCommand(['inject', '-f', file, '--sidecars', sidecars, ...labels]);
    // Of a file with a pod that is denied, the command writes nothing.
    if (command.code === 0) expect(inBrowser.answer.result).toBe(command.stdout);
    else expect(command.stderr).toMatch(/^error: /m);
  });

  test.each(examples.map(({ title, ...example }) => [title, example] as const))('example: %s', async (_, example) => {
    const asked: Asked = { ask: 'answer', question: { ...plain, ...example } };
    expect(await askBrowser(asked)).toEqual(askNode(asked));
  });

  test('the fields of the form', async () => {
    expect(await askBrowser({ ask: 'fields' })).toEqual(askNode({ ask: 'fields' }));
  });
});
