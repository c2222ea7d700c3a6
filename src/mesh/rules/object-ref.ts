/** Kinds of objects that say how requests between pods travel. */
export type TrafficKind = 'VirtualService' | 'DestinationRule' | 'HTTPRoute' | 'GRPCRoute' | 'ReferenceGrant';

/** Kinds of objects that say who may call a pod, and how. */
export type SecurityKind = 'PeerAuthentication' | 'AuthorizationPolicy' | 'RateLimit';

/** Kinds of objects by which users govern the mesh. */
export type RuleKind = TrafficKind | SecurityKind;

/** Which object something comes from. */
export interface ObjectRef {
  readonly kind: RuleKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** When it was created, in milliseconds since 1970: of several objects for one host, the oldest one counts. */
  readonly createdMs: number;
}

/** Returns `<kind> <namespace>/<name>`, which tells an object from all others of the cluster. */
export function objectKey({ kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}

/** What decides among objects that were created in the same second: Gateway API looks at the namespace first, and Istio at the name. */
function tieText({ kind, namespace, name }: ObjectRef): string {
  return kind === 'HTTPRoute' || kind === 'GRPCRoute' ? `${namespace}/${name}` : `${name}/${namespace}`;
}

/** Compares by age, and what was created in the same second by name and namespace. */
export function byAge(one: ObjectRef, other: ObjectRef): number {
  if (one.createdMs !== other.createdMs) return one.createdMs - other.createdMs;
  const [left, right] = [tieText(one), tieText(other)];
  return left < right ? -1 : Number(left > right);
}
