import type { Answer, Verdict } from '../answer.ts';
import type { Edit } from '../edit.ts';
import { findTooLong, type Question } from '../question.ts';
import { readFragment, writeFragment } from '../share-link.ts';
import { element, find } from './element.ts';
import { startEngine } from './engine.ts';
import { examples } from './examples.ts';
import { createForm } from './form.ts';
import { showLines } from './result.ts';
import { showVerdicts } from './verdicts.ts';

/** Time for one answer. Manifests of people take milliseconds. */
const limitMs = 5_000;

/** Waits for the end of typing. */
const pauseMs = 200;

const inputs = {
  manifest: find('manifest', HTMLTextAreaElement),
  settings: find('settings', HTMLTextAreaElement),
  namespace: find('namespace', HTMLInputElement),
  namespaceLabels: find('namespace-labels', HTMLInputElement),
};
const status = find('status', HTMLElement);
const only = find('only', HTMLInputElement);
const result = find('result', HTMLElement);
const exampleChoice = find('example', HTMLSelectElement);
// Before the engine is there: what somebody types meanwhile stays.
if (inputs.manifest.value === '') chooseExample(0);
const engine = startEngine(find('engine', HTMLScriptElement).text, limitMs);
const fields = await engine.ask({ ask: 'fields' }).catch((error: unknown) => {
  status.textContent = `The engine does not run here: ${error instanceof Error ? error.message : String(error)}`;
  throw error;
});
const form = createForm(fields, (edit) => void change(edit));

let asked = 0;
let present: Answer | undefined;
let isLinked = false;

function question(): Question {
  const { manifest, settings, namespace, namespaceLabels } = inputs;
  return {
    manifest: manifest.value,
    settings: settings.value,
    namespace: namespace.value.trim(),
    namespaceLabels: namespaceLabels.value.trim(),
  };
}

function write({ manifest, settings, namespace, namespaceLabels }: Question): void {
  inputs.manifest.value = manifest;
  inputs.settings.value = settings;
  inputs.namespace.value = namespace;
  inputs.namespaceLabels.value = namespaceLabels;
  find('settings-details', HTMLDetailsElement).open = settings !== '';
}

function showNotices(notices: readonly { readonly style: string; readonly text: string }[]): void {
  const items = notices.slice(0, 100).map(({ style, text }) => element('li', { class: style }, text));
  const list = items.length === 0 ? [] : [element('ul', { class: 'notices' }, ...items)];
  find('problems', HTMLElement).replaceChildren(...list);
}

function showProblem(texts: readonly string[], conclusion: string): void {
  showNotices(texts.map((text) => ({ style: 'problem', text })));
  status.textContent = conclusion;
}

function count(lines: Answer['lines'], mark: Answer['lines'][number]['mark']): number {
  return lines.filter((line) => line.mark === mark).length;
}

const words: readonly (readonly [Verdict['outcome'], string])[] = [
  ['inject', 'injected'],
  ['deny', 'denied'],
  ['skip', 'left alone'],
  ['none', 'without a pod'],
];

function statusText({ problems, verdicts, lines, result: text }: Answer): string {
  if (text === undefined) {
    return `${problems.length === 1 ? 'A problem' : `${problems.length} problems`}: nothing was decided.`;
  }
  const decided = words.flatMap(([outcome, word]) => {
    const { length } = verdicts.filter((verdict) => verdict.outcome === outcome);
    return length === 0 ? [] : [`${length} ${word}`];
  });
  const [added, removed] = [count(lines, 'added'), count(lines, 'removed')];
  return `${decided.length === 0 ? 'No object' : decided.join(', ')}; ${added} lines added, ${removed} removed`;
}

/** What the verdicts do not say themselves: of the rest of the input. */
function notices({ problems, remarks, verdicts }: Answer): { readonly style: string; readonly text: string }[] {
  const denied = verdicts.flatMap(({ outcome, where, title }) => (outcome === 'deny' ? [`${where}: ${title}: `] : []));
  const warned = verdicts.flatMap(({ warnings }) => warnings);
  return [
    ...problems
      .filter((text) => !denied.some((start) => text.startsWith(start)))
      .map((text) => ({ style: 'problem', text })),
    ...remarks
      .filter((text) => !warned.some((end) => text.endsWith(end.replace(/^sidecar-injector: /, ''))))
      .map((text) => ({ style: 'warning', text })),
  ];
}

function show(answer: Answer): void {
  present = answer;
  showNotices(notices(answer));
  showVerdicts(find('verdicts', HTMLElement), answer.verdicts);
  showLines(result, answer.lines, only.checked);
  find('result-section', HTMLElement).hidden = answer.result === undefined;
  status.textContent = statusText(answer);
}

async function link(): Promise<string> {
  const fragment = await writeFragment(question());
  history.replaceState(null, '', `#${fragment}`);
  isLinked = true;
  return location.href;
}

/** Asks about what the page holds and shows the answer, unless something newer was asked meanwhile. */
async function ask(): Promise<void> {
  const present = ++asked;
  const wanted = question();
  const tooLong = findTooLong(wanted);
  try {
    if (tooLong.length > 0) {
      show({ problems: tooLong, remarks: [], verdicts: [], result: undefined, lines: [] });
      return;
    }
    const { answer, keys } = await engine.ask({ ask: 'answer', question: wanted });
    if (present !== asked) return;
    show(answer);
    form.show(keys);
    if (isLinked) await link();
  } catch (error) {
    if (present !== asked) return;
    const why = error instanceof Error ? error.message : String(error);
    show({ problems: [`the answer ${why}`], remarks: [], verdicts: [], result: undefined, lines: [] });
  }
}

async function change(edit: Edit): Promise<void> {
  const holder = edit.of === 'pods' ? inputs.manifest : inputs.settings;
  const edited = await engine.ask({ ask: 'edit', text: holder.value, edit }).catch((error: unknown) => ({
    problems: [`the change ${error instanceof Error ? error.message : String(error)}`],
  }));
  if ('problems' in edited) {
    showProblem(edited.problems, 'Nothing was set.');
    return;
  }
  holder.value = edited.text;
  if (edit.of === 'settings') find('settings-details', HTMLDetailsElement).open = true;
  await ask();
}

async function openFiles(files: Iterable<File>): Promise<void> {
  const texts: string[] = [];
  for (const file of files) texts.push(await file.text());
  if (texts.length === 0) return;
  inputs.manifest.value = texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`)).join('---\n');
  await ask();
}

async function openLink(): Promise<void> {
  const fragment = location.hash.slice(1);
  if (fragment === '' || fragment === 'verdicts-heading') return;
  try {
    write(await readFragment(fragment));
    isLinked = true;
    exampleChoice.selectedIndex = -1;
    await ask();
  } catch (error) {
    showProblem([error instanceof Error ? error.message : String(error)], 'The link could not be read.');
  }
}

function chooseExample(index: number): void {
  const example = examples[index];
  if (example === undefined) return;
  const { manifest, settings = '' } = example;
  write({ manifest, settings, namespace: '', namespaceLabels: 'istio-injection=enabled' });
}

async function copy(text: string, done: string, otherwise: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = done;
  } catch {
    status.textContent = `The browser does not let this page write to the clipboard; ${otherwise}.`;
  }
}

let typing: ReturnType<typeof setTimeout> | undefined;
for (const input of Object.values(inputs)) {
  input.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => void ask(), pauseMs);
  });
}
exampleChoice.append(...examples.map(({ title }, index) => element('option', { value: String(index) }, title)));
exampleChoice.addEventListener('change', () => {
  chooseExample(exampleChoice.selectedIndex);
  void ask();
});
only.addEventListener('change', () => showLines(result, present?.lines ?? [], only.checked));
find('link', HTMLButtonElement).addEventListener('click', () => {
  void link().then((url) =>
    copy(url, 'The link was copied; it holds everything on this page.', 'the link is in the address bar'),
  );
});
find('copy', HTMLButtonElement).addEventListener(
  'click',
  () => void copy(present?.result ?? '', 'The result was copied.', 'Download writes a file'),
);
find('download', HTMLButtonElement).addEventListener('click', () => {
  const url = URL.createObjectURL(new Blob([present?.result ?? ''], { type: 'application/yaml' }));
  element('a', { href: url, download: 'injected.yaml' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});
const files = find('files', HTMLInputElement);
find('open', HTMLButtonElement).addEventListener('click', () => files.click());
files.addEventListener('change', () => void openFiles(files.files ?? []));
const drop = find('drop', HTMLElement);
for (const name of ['dragover', 'dragleave', 'drop'] as const) {
  drop.addEventListener(name, (event) => {
    drop.classList.toggle('dropping', name === 'dragover');
    if (name === 'dragleave' || event.dataTransfer === null || !event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    if (name === 'drop') void openFiles(event.dataTransfer.files);
  });
}
addEventListener('hashchange', () => void openLink());

if (location.hash === '') await ask();
else await openLink();
