import { analyze, type Verdict } from '../../../../mesh/report/analysis.ts';
import { checkManifestNames, joinVerdicts } from '../../../../mesh/report/manifest-names.ts';
import { worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import type { Finding } from '../../../../mesh/rules/finding.ts';
import { exitCodes, print, printJson, remark, report, usageFailure, type Io } from '../../../io.ts';
import { asApplied, withWords } from '../as-applied.ts';
import { applied, askCluster, readClusterIf, readFiles } from '../objects.ts';
import type { AnalyzeOptions } from './options.ts';
import { unreadObjects, unreadOfCluster, type UnreadObject, type UnreadOfCluster } from './unread-objects.ts';
import { plural } from '../../../plural.ts';

const words = { refused: 'refused', 'without-effect': 'no effect', warning: 'warning' } as const;

function lineOf({ field, effect, code, sentence }: Finding): string {
  return `  ${words[effect]}: ${field === '' ? '' : `${field}: `}${sentence} (${code})`;
}

/** An object and what is said of it. */
type Told = Verdict | UnreadObject;

function textOf({ ref, findings }: Told): readonly string[] {
  return [`${ref.kind} ${ref.namespace}/${ref.name}`, ...findings.map(lineOf)];
}

const idOf = ({ ref: { kind, namespace, name } }: UnreadObject): string => `${kind} ${namespace}/${name}`;

/** What is not read of a cluster once the files are applied. */
function unreadOnceApplied(live: readonly UnreadObject[], files: readonly UnreadObject[]): readonly UnreadObject[] {
  const replaced = new Set(files.map(idOf));
  return [...files, ...live.filter((one) => !replaced.has(idOf(one)))];
}

const nothingUnread: UnreadOfCluster = { objects: [], notes: [] };

/** Runs `mesh analyze` and returns its exit code. */
export async function runAnalyze(options: AnalyzeOptions, io: Io): Promise<number> {
  const filenames = options.filename ?? [];
  if (filenames.length === 0 && options.live !== true) {
    return report(usageFailure('there is nothing to look at', 'give -f FILE, --live or both'), io);
  }
  const namespace = options.namespace ?? 'default';
  const files = await readFiles(filenames, io);
  if ('problems' in files) return report(files, io);
  const live = await readClusterIf(options.live === true, options);
  if ('problems' in live) return report(live, io);
  const unread = options.live === true ? await askCluster(options, unreadOfCluster) : nothingUnread;
  if ('problems' in unread) return report(unread, io);
  remark(unread.notes, io);
  const { objects, words } = asApplied(files.objects, files.found, namespace, live.objects);
  const world = worldOfObjects(applied(live.objects, objects, namespace), namespace);
  const { clusterDomain: cluster, rootNamespace } = options;
  const verdicts: readonly Told[] = [
    ...joinVerdicts([...checkManifestNames(objects), ...analyze(world, { cluster, trust: cluster, rootNamespace })]),
    ...unreadOnceApplied(unread.objects, unreadObjects(files.found, namespace)),
  ];
  const rules = Object.values(world.rules).reduce((sum, kind) => sum + kind.size, 0);
  if (options.output === 'json') {
    printJson(
      verdicts.map(({ ref: { kind, namespace: owner, name }, findings }) => ({
        kind,
        namespace: owner,
        name,
        findings,
      })),
      io,
    );
  } else {
    const bad = verdicts.filter(({ findings }) => findings.some(({ effect }) => effect !== 'warning')).length;
    const sum = `${plural(rules, 'rule')}, ${bad} refused or without effect, ${verdicts.length - bad} with warnings`;
    print([...verdicts.flatMap(textOf).map((line) => withWords(line, words)), sum], io);
  }
  const isGood = verdicts.every(({ findings }) => findings.every(({ effect }) => effect === 'warning'));
  return isGood ? exitCodes.fine : exitCodes.different;
}
