import type { Verdict } from '../answer.ts';
import { drawTraffic } from '../drawing.ts';
import { element, pictureElement } from './element.ts';

const outcomes: Readonly<Record<Verdict['outcome'], string>> = {
  inject: 'Injected',
  skip: 'Left alone',
  deny: 'Denied',
  none: 'No pod',
};

/** Objects that are shown; a list of thousands would say nothing to anybody. */
const most = 50;

function tableOf(head: readonly string[], rows: readonly (readonly (Node | string)[])[], caption: string): HTMLElement {
  const table = element(
    'table',
    {},
    element('caption', { class: 'hidden' }, caption),
    element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((cell) => element('td', {}, cell))))),
  );
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, table);
}

function captureDetails({ capture, title }: Verdict): HTMLElement {
  const rows = capture.map(({ direction, what, match, through, why }) => [
    direction,
    what,
    match,
    through === 'proxy' ? element('span', { class: 'through-proxy' }, through) : through,
    why,
  ]);
  const head = ['Direction', 'Connections', 'Match', 'Through', 'Why'];
  const caption = `What is captured in ${title}, the first row that fits a connection decides`;
  return element(
    'details',
    {},
    element('summary', {}, 'Capture in words: the first row that fits a connection decides'),
    tableOf(head, rows, caption),
  );
}

function settingsDetails({ settings, title }: Verdict): HTMLElement {
  const from: Readonly<Record<string, string>> = { pod: 'the pod', profile: 'its profile', settings: 'the settings' };
  const rows = settings.map(({ name, value, from: origin }) => [
    element('code', {}, name),
    element('code', {}, value),
    from[origin] ?? origin,
  ]);
  return element(
    'details',
    {},
    element('summary', {}, `Settings that are not the built-in ones (${settings.length})`),
    tableOf(['Setting', 'Value', 'From'], rows, `Settings of ${title}`),
  );
}

function trafficFigure({ traffic, title }: Verdict): HTMLElement[] {
  if (traffic === undefined) return [];
  const label = `Picture of the traffic of ${title}`;
  const picture = pictureElement(drawTraffic(traffic));
  return [element('figure', { class: 'scroll', tabindex: '0', 'aria-label': label }, picture)];
}

function verdictElement(verdict: Verdict, isOpen: boolean): HTMLElement {
  const { outcome, title, where, reasons, warnings, capture, settings, traffic } = verdict;
  const lists = [
    element(
      'ul',
      { class: 'reasons' },
      ...reasons.map(({ code, message }) => element('li', {}, `${message} `, element('code', {}, `(${code})`))),
    ),
    ...(warnings.length === 0
      ? []
      : [
          element(
            'ul',
            { class: 'notices' },
            ...warnings.map((text) => element('li', { class: 'warning' }, `Warning: ${text}`)),
          ),
        ]),
  ];
  const details = [
    ...(capture.length === 0 ? [] : [captureDetails(verdict)]),
    ...(settings.length === 0 ? [] : [settingsDetails(verdict)]),
  ];
  const more = element('details', isOpen ? { open: '' } : {}, element('summary', {}, 'Picture of the pod'));
  // Drawn when somebody looks.
  const draw = (): void => {
    if (more.open && more.childElementCount === 1) more.append(...trafficFigure(verdict));
  };
  more.addEventListener('toggle', draw);
  draw();
  return element(
    'article',
    { class: 'verdict' },
    element(
      'div',
      { class: 'verdict-head' },
      element('span', { class: `badge ${outcome}` }, outcomes[outcome]),
      element('h3', {}, title),
      element('span', { class: 'quiet' }, where.replace(/^manifest:/, 'line ')),
    ),
    ...lists,
    ...(traffic === undefined ? [] : [more]),
    ...details,
  );
}

/** Shows what becomes of each object. The picture of the first one that is injected is open. */
export function showVerdicts(holder: HTMLElement, verdicts: readonly Verdict[]): void {
  const first = verdicts.find(({ traffic }) => traffic !== undefined);
  const shown = verdicts.slice(0, most).map((verdict) => verdictElement(verdict, verdict === first));
  const rest = verdicts.length - shown.length;
  holder.replaceChildren(
    ...shown,
    ...(rest > 0 ? [element('p', { class: 'quiet' }, `and ${rest} more objects, which are in the result`)] : []),
  );
}
