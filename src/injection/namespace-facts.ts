import { enforceLabel, enforceVersionLabel } from './pod-security.ts';
import { objectMember, type JsonObject } from '../json/json.ts';
import { defaultsIn } from '../settings/namespace-defaults.ts';
import { pinnedVariantLabel } from '../settings/schema/variant.ts';
import type { InjectionRequest } from './decision.ts';
import type { NamespaceFacts, Snapshot } from './snapshot.ts';

/** A namespace with the labels and annotations that decisions depend on. */
export interface PodNamespace extends NamespaceFacts {
  readonly name: string;
}

/** Prefix of the annotations in which OpenShift stores a namespace's id ranges, once, when it creates the namespace. */
const openShiftPrefix = 'openshift.io/sa.scc.';

const relevantLabels: ReadonlySet<string> = new Set([enforceLabel, enforceVersionLabel, pinnedVariantLabel]);

function textsIn(texts: JsonObject = {}): NamespaceFacts['labels'] {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Returns the labels and annotations of a namespace as the API server has it; values that are no texts are left out. */
export function readFacts(namespace: JsonObject | undefined): NamespaceFacts {
  const metadata = objectMember(namespace, 'metadata');
  return {
    labels: textsIn(objectMember(metadata, 'labels')),
    annotations: textsIn(objectMember(metadata, 'annotations')),
  };
}

function pick(texts: NamespaceFacts['labels'], isWanted: (name: string) => boolean): NamespaceFacts['labels'] {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => isWanted(name)));
}

/** Returns the labels and annotations that decisions depend on; undefined if there are none of them. */
export function relevantFacts({ labels, annotations }: NamespaceFacts): NamespaceFacts | undefined {
  const facts = {
    labels: pick(labels, (name) => relevantLabels.has(name)),
    annotations: { ...pick(annotations, (name) => name.startsWith(openShiftPrefix)), ...defaultsIn(annotations) },
  };
  return Object.values(facts).every((texts) => Object.keys(texts).length === 0) ? undefined : facts;
}

/** Returns the members of a request that say what its caller knows of the namespace; labels may be unknown. */
export function asKnown({
  labels,
  annotations,
}: {
  readonly [Part in keyof NamespaceFacts]: NamespaceFacts[Part] | undefined;
}): Pick<InjectionRequest, 'namespaceLabels' | 'namespaceAnnotations'> {
  return { namespaceLabels: labels, namespaceAnnotations: annotations };
}

const nothing: NamespaceFacts = { labels: {}, annotations: {} };

/** Returns what is known of the pod's namespace: what the caller knows, else what was read from the cluster. */
export function namespaceOf(
  { namespace, namespaceLabels, namespaceAnnotations }: Omit<InjectionRequest, 'pod'>,
  { namespaces }: Pick<Snapshot, 'namespaces'>,
): NamespaceFacts {
  const { labels, annotations } = namespaces.get(namespace) ?? nothing;
  return { labels: namespaceLabels ?? labels, annotations: namespaceAnnotations ?? annotations };
}
