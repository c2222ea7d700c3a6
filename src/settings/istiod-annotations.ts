import { annotationNames as names } from '../pod/annotation-names.ts';
import { annotationTable } from './annotation-table.ts';
import type { AnnotationRow } from './annotation.ts';
import { idleExclusion } from './pod-checks.ts';
import { deprecation, isNoText, type PodKeys } from './pod-settings.ts';
import { member, stringMember } from '../json/json.ts';
import { notText, quote, type Problem } from '../grammar/problem.ts';

/** The rows of the annotations and labels that the pod sets. */
function rowsOf({ annotations, labels }: PodKeys): AnnotationRow[] {
  const maps = { annotation: annotations, label: labels, 'namespace label': undefined };
  return annotationTable.filter(({ kind, name }) => {
    const map = maps[kind];
    return map !== undefined && Object.hasOwn(map, name);
  });
}

/** All invalid annotation values of a pod in istiod mode. */
export function annotationProblems(pod: PodKeys): Problem[] {
  return rowsOf(pod).flatMap(({ name, kind, allowed, istiod }): Problem[] => {
    if (isNoText(member(kind === 'label' ? pod.labels : pod.annotations, name))) {
      const grammar = istiod?.support === 'supported' ? istiod.grammar : undefined;
      return [{ where: name, message: notText(grammar?.allowed ?? allowed) }];
    }
    if (istiod?.support !== 'supported' || istiod.grammar === undefined) return [];
    const { grammar, value: otherwise } = istiod;
    const value = member(pod.annotations, name);
    const parsed = typeof value === 'string' ? grammar.parse(value) : { problem: notText(grammar.allowed) };
    if (!('problem' in parsed)) return [];
    const fallback = otherwise === undefined ? '' : `; without it the value global.proxy.${otherwise} counts`;
    return [{ where: name, message: `${parsed.problem}${fallback}` }];
  });
}

/** Warnings about annotations and labels that have no effect in istiod mode. */
export function annotationWarnings(pod: PodKeys, hardened: boolean): string[] {
  const rows = rowsOf(pod);
  const warnings = rows.flatMap(({ kind, name, istiod }) =>
    istiod?.support === 'ignored' && !(hardened && istiod.unlessHardened === true)
      ? [`${kind} ${quote(name)} has no effect in the mode istiod: ${istiod.because}`]
      : [],
  );
  const deprecations = rows.flatMap((row) => deprecation(row, pod));
  const listed = stringMember(pod.annotations, names.includeInboundPorts) ?? '*';
  const idle = listed === '*' ? [] : idleExclusion(pod.annotations);
  return [...warnings, ...deprecations, ...idle];
}
