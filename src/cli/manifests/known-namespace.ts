import { quote } from '../../grammar/problem.ts';
import { usageFailure, type Failure } from '../io.ts';
import type { EngineOptions } from '../options.ts';
import type { NamespaceLabels } from './webhook-selectors.ts';

/** Reads `k=v` texts; the value is everything after the first `=`. */
function readAnnotations(
  texts: readonly string[],
): { readonly annotations: Readonly<Record<string, string>> } | Failure {
  const annotations: [string, string][] = [];
  for (const text of texts) {
    const match = /^([^=\s]+)=(.*)$/s.exec(text);
    if (match?.[1] === undefined) {
      return usageFailure(
        `--namespace-annotations: ${quote(text)} is not an annotation`,
        'write KEY=VALUE; repeat the option for several',
      );
    }
    annotations.push([match[1], match[2] ?? '']);
  }
  return { annotations: Object.fromEntries(annotations) };
}

/** Reads `k=v,k2=v2`. An empty text means no labels. `name` is what gave the text, for messages. */
export function readLabels(
  text: string,
  name: string,
): { readonly labels: Readonly<Record<string, string>> } | Failure {
  const labels: [string, string][] = [];
  for (const part of text.split(',').filter((piece) => piece !== '')) {
    const match = /^([^=\s]+)=([^=\s]*)$/.exec(part);
    if (match?.[1] === undefined) {
      return usageFailure(`${name}: ${quote(part)} is not a label`, 'write KEY=VALUE, several separated by commas');
    }
    labels.push([match[1], match[2] ?? '']);
  }
  return { labels: Object.fromEntries(labels) };
}

/** What the command knows about the namespace of the pods. */
export interface KnownNamespace {
  /** Undefined if unknown. Then the webhook selectors are not evaluated. */
  readonly labels: NamespaceLabels | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads `--namespace-labels` and `--namespace-annotations`. */
export function readKnownNamespace({
  namespaceLabels,
  namespaceAnnotations = [],
}: EngineOptions): KnownNamespace | Failure {
  const read =
    namespaceLabels === undefined ? { labels: undefined } : readLabels(namespaceLabels, '--namespace-labels');
  if ('problems' in read) return read;
  const annotated = readAnnotations(namespaceAnnotations);
  return 'problems' in annotated ? annotated : { ...read, ...annotated };
}
