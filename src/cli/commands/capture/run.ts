import type { CaptureIntent } from '../../../capture/intent.ts';
import { renderIptables } from '../../../capture/iptables.ts';
import { renderNftables } from '../../../capture/nftables.ts';
import { captureRoutes } from '../../../capture/routes.ts';
import { explainCapture } from '../../../capture/words.ts';
import type { CaptureOptions } from './options.ts';
import { readCaptureFiles, readCapturedPods, type Captured } from './captured.ts';
import { inputFailure } from '../../manifests/input.ts';
import { visible } from '../../../grammar/visible.ts';
import { exitCodes, report, usageFailure, type Failure, type Io } from '../../io.ts';
import { captureTable } from '../../text-table.ts';

type Rendering = NonNullable<CaptureOptions['family']>;

const loaders = { v4: 'iptables-restore', v6: 'ip6tables-restore', nft: 'nft -f -' } as const;

function render(intent: CaptureIntent, rendering: Rendering): string {
  return rendering === 'nft' ? renderNftables(intent) : renderIptables(intent, rendering);
}

/** Formats the rules with comments. In mode TPROXY the comments name the routes that the rules need. */
function section(one: Captured, rendering: Rendering, titled: boolean): string {
  const { intent } = one;
  const adding = rendering !== 'nft' && intent?.loading === 'append' ? ' --noflush' : '';
  const title = titled ? [`# ${one.name}: ${loaders[rendering]}${adding}`] : [];
  const routes = (intent === undefined ? [] : captureRoutes(intent))
    .filter(([version]) => rendering === 'nft' || version === (rendering === 'v4' ? '-4' : '-6'))
    .map((words) => `# needs: ip ${words.join(' ')}`);
  const comments = [...title, ...routes].map((line) => `${line}\n`).join('');
  return comments + (one.loaded?.get(rendering) ?? (intent === undefined ? '' : render(intent, rendering)));
}

/** The renderings to print for one pod or file. Undefined if it has no rules of the wanted family. */
function renderingsOf({ loaded, intent }: Captured, wanted: Rendering | undefined): Rendering[] | undefined {
  const all = loaded !== undefined && loaded.size > 0 ? [...loaded.keys()] : [...(intent?.families ?? [])];
  if (wanted === undefined) return all;
  const isThere = intent === undefined ? all.includes(wanted) : wanted === 'nft' || intent.families.includes(wanted);
  return isThere ? [wanted] : undefined;
}

/** Whether the pod has no rules at all. */
function isFree({ intent, loaded }: Captured): boolean {
  return intent === undefined && (loaded === undefined || loaded.size === 0);
}

function rulesText(captured: readonly Captured[], wanted: Rendering | undefined, io: Io): string | Failure {
  const sections: string[] = [];
  const problems: string[] = [];
  for (const one of captured) {
    const { intent, name, loaded } = one;
    if (isFree(one)) continue;
    const renderings = renderingsOf(one, wanted);
    if (renderings === undefined) {
      const captured = intent?.families ?? [...(loaded?.keys() ?? [])];
      problems.push(`${name}: --family ${wanted} is not captured; captured: ${captured.join(', ')}`);
      continue;
    }
    if (loaded !== undefined && !renderings.every((rendering) => loaded.has(rendering))) {
      io.stderr(`${name}: the pod's rules are loaded in another form or by another program; these decide alike\n`);
    }
    const titled = captured.length > 1 || renderings.length > 1;
    sections.push(...renderings.map((rendering) => section(one, rendering, titled)));
  }
  return problems.length > 0 ? inputFailure(problems) : sections.join('\n');
}

function wordsText(captured: readonly Captured[]): string | Failure {
  const unknown = captured.filter((one) => one.intent === undefined && !isFree(one));
  if (unknown.length > 0) {
    const why = 'was injected with other settings, so that its rules cannot be put into words; --dry-run prints them';
    return inputFailure(unknown.map(({ name }) => `${name}: ${why}`));
  }
  const texts = captured.flatMap(({ name, intent }) =>
    intent === undefined
      ? []
      : [[`${name} (the first row that fits a connection decides)`, ...captureTable(explainCapture(intent), '  ')]],
  );
  return texts.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function wrongUsage({ filename, config, dryRun, explain }: CaptureOptions): Failure | undefined {
  if ((filename === undefined) === (config === undefined)) {
    return usageFailure(
      'capture needs either -f or --config',
      'give manifests with -f, or a capture file with --config',
    );
  }
  if (dryRun === true || explain === true) return undefined;
  return usageFailure(
    'capture loads no rules itself: the init container does',
    'add --dry-run to see the rules, or --explain for a table in plain words',
  );
}

/** Runs `capture` and returns the exit code. If there is a problem, nothing is written. */
export async function runCapture(options: CaptureOptions, io: Io): Promise<number> {
  const wrong = wrongUsage(options);
  if (wrong !== undefined) return report(wrong, io);
  const read =
    options.config === undefined ? await readCapturedPods(options, io) : await readCaptureFiles(options.config, io);
  if ('problems' in read) return report(read, io);
  const captured = read.map((one) => ({ ...one, name: visible(one.name) }));
  for (const one of captured) {
    if (isFree(one)) io.stderr(`${one.name}: nothing is captured (interception mode NONE, or no proxy)\n`);
  }
  const text = options.explain === true ? wordsText(captured) : rulesText(captured, options.family, io);
  if (typeof text !== 'string') return report(text, io);
  io.stdout(text);
  return exitCodes.fine;
}
