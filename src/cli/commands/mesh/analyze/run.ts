import { analyze, type Verdict } from '../../../../mesh/report/analysis.ts';
import { checkManifestNames, joinVerdicts } from '../../../../mesh/report/manifest-names.ts';
import { worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import type { Finding } from '../../../../mesh/rules/finding.ts';
import { exitCodes, print, printJson, report, usageFailure, type Io } from '../../../io.ts';
import { findKubeconfig } from '../../../kubeconfig.ts';
import { applied, nothingRead, readCluster, readFiles } from '../objects.ts';
import type { AnalyzeOptions } from './options.ts';

const words = { refused: 'refused', 'without-effect': 'no effect', warning: 'warning' } as const;

function lineOf({ field, effect, code, sentence }: Finding): string {
  return `  ${words[effect]}: ${field === '' ? '' : `${field}: `}${sentence} (${code})`;
}

function textOf({ ref, findings }: Verdict): readonly string[] {
  return [`${ref.kind} ${ref.namespace}/${ref.name}`, ...findings.map(lineOf)];
}

/** Runs `mesh analyze` and returns its exit code. */
export async function runAnalyze(options: AnalyzeOptions, io: Io): Promise<number> {
  const filenames = options.filename ?? [];
  if (filenames.length === 0 && options.live !== true) {
    return report(usageFailure('there is nothing to look at', 'give -f FILE, --live or both'), io);
  }
  const namespace = options.namespace ?? 'default';
  const files = await readFiles(filenames, io);
  if ('problems' in files) return report(files, io);
  const live = options.live === true ? await readCluster(findKubeconfig(options.kubeconfig)) : nothingRead;
  if ('problems' in live) return report(live, io);
  const world = worldOfObjects(applied(live.objects, files.objects, namespace), namespace);
  const { clusterDomain: cluster, rootNamespace } = options;
  const verdicts = joinVerdicts([
    ...checkManifestNames(files.objects, namespace),
    ...analyze(world, { cluster, trust: cluster, rootNamespace }),
  ]);
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
    const sum = `${rules} traffic rules, ${bad} refused or without effect, ${verdicts.length - bad} with warnings`;
    print([...verdicts.flatMap(textOf), sum], io);
  }
  const isGood = verdicts.every(({ findings }) => findings.every(({ effect }) => effect === 'warning'));
  return isGood ? exitCodes.fine : exitCodes.different;
}
