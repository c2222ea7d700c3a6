import { decide } from '../../../src/injection/injector.ts';
import type { Decision, InjectionRequest } from '../../../src/injection/decision.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { snapshotOf } from '../builders/snapshots.ts';

/** A snapshot in the mode istiod; the values are laid over Istio's defaults. */
export function istiodSnapshot(values: object = {}, more: { meshConfig?: object; spec?: object } = {}): Snapshot {
  const { meshConfig = {}, spec = {} } = more;
  const { global = {}, ...others } = values as { global?: object };
  const istiod = { values: { ...others, global: { tag: '1.28.0', ...global } }, meshConfig };
  return snapshotOf({ mode: 'istiod', istiod, ...spec });
}

/** A pod with one container, `app`; metadata and spec are laid over it. */
export function istioPod(metadata: object = {}, spec: object = {}): JsonObject {
  return {
    metadata: { name: 'shop', ...metadata },
    spec: { containers: [{ name: 'app', image: 'shop:1' }], ...spec },
  };
}

export interface Injected {
  readonly decision: Decision;
  readonly pod: JsonObject;
  /** The container of that name, in either list. */
  readonly container: (name: string) => JsonObject | undefined;
  /** Its arguments as one line. */
  readonly argumentsOf: (name: string) => string;
  /** The variable's value, or the field that it is taken from. */
  readonly variable: (name: string) => string | undefined;
  readonly volume: (name: string) => JsonObject | undefined;
  readonly mountPath: (volume: string) => string | undefined;
  readonly annotation: (name: string) => string | undefined;
  readonly label: (name: string) => string | undefined;
}

/** The pod as the API server would store it. Throws with the reasons when it is not injected. */
export function injectWithIstiod(
  pod: JsonObject,
  snapshot: Snapshot,
  request: Partial<InjectionRequest> = {},
): Injected {
  const decision = decide({ namespace: 'demo', ...request, pod }, snapshot);
  if (decision.outcome !== 'inject') throw new Error(decision.reasons.map(({ message }) => message).join('\n'));
  const after = applyToValue(structuredClone(pod), decision.operations) as JsonObject;
  const spec = objectMember(after, 'spec');
  const metadata = objectMember(after, 'metadata');
  const named = (list: string, name: string): JsonObject | undefined =>
    objectsMember(spec, list).find((one) => stringMember(one, 'name') === name);
  const container = (name: string): JsonObject | undefined =>
    named('initContainers', name) ?? named('containers', name);
  const proxy = container('istio-proxy');
  return {
    decision,
    pod: after,
    container,
    argumentsOf(name) {
      const args = container(name)?.['args'];
      return Array.isArray(args) ? args.join(' ') : '';
    },
    variable(name) {
      const found = objectsMember(proxy, 'env').find((one) => stringMember(one, 'name') === name);
      const source = objectMember(found, 'valueFrom');
      return (
        stringMember(found, 'value') ??
        stringMember(objectMember(source, 'fieldRef'), 'fieldPath') ??
        stringMember(objectMember(source, 'resourceFieldRef'), 'resource')
      );
    },
    volume: (name) => named('volumes', name),
    mountPath: (volume) =>
      stringMember(
        objectsMember(proxy, 'volumeMounts').find((one) => stringMember(one, 'name') === volume),
        'mountPath',
      ),
    annotation: (name) => stringMember(objectMember(metadata, 'annotations'), name),
    label: (name) => stringMember(objectMember(metadata, 'labels'), name),
  };
}
