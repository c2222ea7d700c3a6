import { annotationTable } from '../annotation-table.ts';
import type { AnnotationRow } from '../annotation.ts';
import { scrapeTargets } from '../../grammar/grammar.ts';
import { member, stringMember, type JsonObject } from '../../json/json.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { istioNames as names } from './annotation-names.ts';

/** The value of `global.proxy` that an annotation stands in for; Istio's own messages call it by that name. */
const defaults: ReadonlyMap<string, string> = new Map([
  [names.includeOutboundIPRanges, 'includeIPRanges'],
  [names.excludeOutboundIPRanges, 'excludeIPRanges'],
  [names.includeInboundPorts, 'includeInboundPorts'],
  [names.excludeInboundPorts, 'excludeInboundPorts'],
  [names.includeOutboundPorts, 'includeOutboundPorts'],
  [names.excludeOutboundPorts, 'excludeOutboundPorts'],
  [names.statusPort, 'statusPort'],
  [names.logLevel, 'logLevel'],
  [names.componentLogLevel, 'componentLogLevel'],
]);

function withDefault(name: string, problem: string): string {
  const value = defaults.get(name);
  return value === undefined ? problem : `${problem}; without it the value global.proxy.${value} counts`;
}

interface PodKeys {
  readonly annotations: JsonObject | undefined;
  readonly labels: JsonObject | undefined;
}

/** The pod's own annotations and labels that have a row, each with its row. */
function rowsOf(pod: PodKeys): AnnotationRow[] {
  const carried = { annotation: pod.annotations, label: pod.labels, 'namespace label': undefined };
  return annotationTable.filter(({ kind, name }) => {
    const map = carried[kind];
    return map !== undefined && Object.hasOwn(map, name);
  });
}

/** Every bad value among Istio's annotations. */
export function annotationProblems(pod: PodKeys): Problem[] {
  return rowsOf(pod).flatMap(({ name, istiod }): Problem[] => {
    if (istiod.mark !== 'effective' || istiod.grammar === undefined) return [];
    const { grammar } = istiod;
    const value = pod.annotations === undefined ? undefined : member(pod.annotations, name);
    const parsed =
      typeof value === 'string' ? grammar.parse(value) : { problem: `must be a string; allowed: ${grammar.allowed}` };
    return 'problem' in parsed ? [{ where: name, message: withDefault(name, parsed.problem) }] : [];
  });
}

/** A list of pages that is not in order is passed by in Istio with a word in its log. */
function remarksOnTargets({ annotations }: PodKeys): string[] {
  const text = stringMember(annotations, names.scrapeTargets);
  const parsed = text === undefined ? undefined : scrapeTargets.parse(text);
  return parsed !== undefined && 'problem' in parsed ? [`${names.scrapeTargets} has no effect: ${parsed.problem}`] : [];
}

/** What the pod carries without effect. */
export function annotationRemarks(pod: PodKeys, hardened: boolean): string[] {
  const remarks = rowsOf(pod).flatMap(({ kind, name, istiod }) =>
    istiod.mark === 'accepted without effect' && !(hardened && istiod.unlessHardened === true)
      ? [`${kind} ${quote(name)} has no effect in the mode istiod: ${istiod.because}`]
      : [],
  );
  return [...remarks, ...remarksOnTargets(pod)];
}
