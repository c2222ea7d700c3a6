import { isService, type GrpcRoute, type HttpRoute } from '../rules/gateway-route.ts';
import type { ParentRef } from '../rules/gateway-fields.ts';
import { describeFinding } from '../rules/finding.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { Rule } from '../rules/rule.ts';
import type { Service } from '../world/service.ts';
import { resolveBackend, type Unresolved } from './gateway-backends.ts';
import type { RouteContext } from './route-context.ts';

/** Name of the control plane in the status of routes. */
export const controllerName = 'sidecar-injector.io/mesh';

/** Returns whether a route's parent is a port of a Service. `sectionName` is the name of a port. */
export function isParent(
  { group, kind, namespace, name, sectionName, port }: ParentRef,
  route: Pick<ObjectRef, 'namespace'>,
  service: Service,
  number: number,
): boolean {
  if (!isService({ group, kind }) || service.name !== name) return false;
  if (service.namespace !== (namespace ?? route.namespace) || (port !== undefined && port !== number)) return false;
  return service.ports.some((one) => one.number === number && (sectionName === undefined || sectionName === one.name));
}

/** A condition of Kubernetes, without the time of its last transition. */
export interface Condition {
  readonly type: 'Accepted' | 'ResolvedRefs';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** What a route's status says of one parent. */
export interface ParentStatus {
  readonly parentRef: ParentRef;
  readonly controllerName: typeof controllerName;
  readonly conditions: readonly Condition[];
}

/** What the status of routes depends on, beside the route. */
export interface StatusContext extends Pick<RouteContext, 'serviceAt' | 'hostOf'> {
  readonly grants: Rules['ReferenceGrant'];
  /** Why the route does not count for a parent that exists, for example because a VirtualService does; undefined if it counts. */
  overridden(parent: ParentRef): string | undefined;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Returns why a route is refused, undefined if it is not. */
function refusal({ findings, keptGeneration }: Rule<HttpRoute | GrpcRoute>): Verdict | undefined {
  const refused = findings.filter(({ effect }) => effect === 'refused').map(describeFinding);
  if (refused.length === 0) return undefined;
  const kept = keptGeneration === undefined ? [] : [`generation ${keptGeneration} stays in force`];
  return { status: 'False', reason: 'UnsupportedValue', message: [...refused, ...kept].join('; ') };
}

/**
 * Returns why a parent is not there: no Service that can be called through the mesh, or none with such a port. Undefined if it is.
 *
 * @param service the one of that name, if there is one
 */
export function missingParent(
  parent: ParentRef,
  route: Pick<ObjectRef, 'namespace'>,
  service: Service | undefined,
): string | undefined {
  const found = service?.externalName === undefined ? service : undefined;
  if (found?.ports.some(({ number }) => isParent(parent, route, found, number)) === true) return undefined;
  const port = parent.port ?? parent.sectionName;
  const what = `Service ${parent.namespace ?? route.namespace}/${parent.name}`;
  if (found === undefined || port === undefined)
    return `there is no ${what} with a port that can be called through the mesh`;
  return `${what} has no port ${port}`;
}

function acceptance(parent: ParentRef, route: ObjectRef, context: StatusContext): Verdict {
  const service = context.serviceAt(parent.namespace ?? route.namespace, parent.name);
  const message = missingParent(parent, route, service);
  if (message !== undefined) return { status: 'False', reason: 'NoMatchingParent', message };
  const overridden = context.overridden(parent);
  if (overridden !== undefined) return { status: 'False', reason: 'Overridden', message: overridden };
  return { status: 'True', reason: 'Accepted', message: 'the route is understood' };
}

/** Of several backends that cannot be used, the first one counts; the message names all. */
function resolution({ ref, spec }: Rule<HttpRoute | GrpcRoute>, parent: ParentRef, context: StatusContext): Verdict {
  const called = { namespace: parent.namespace ?? ref.namespace, name: parent.name };
  const unresolved = (spec?.rules ?? []).flatMap(({ backendRefs, filters }) =>
    [...backendRefs, ...filters.flatMap(({ requestMirror }) => requestMirror?.backendRef ?? [])].flatMap(
      (backendRef): readonly Unresolved[] => {
        const resolved = resolveBackend(ref, called, backendRef, context, context.grants);
        return 'unresolved' in resolved ? [resolved.unresolved] : [];
      },
    ),
  );
  const [first] = unresolved;
  if (first === undefined) return { status: 'True', reason: 'ResolvedRefs', message: 'all backends are there' };
  const message = [...new Set(unresolved.map(({ sentence }) => sentence))].join('; ');
  return { status: 'False', reason: first.reason, message };
}

/**
 * Returns what the status of a route says of its parents that are Services (RouteParentStatus of Gateway API). All other entries
 * belong to others and stay as they are.
 *
 * @param parents the parents in the object: what is known of a route that is refused may be an earlier version of it, or nothing
 */
export function parentStatuses(
  route: Rule<HttpRoute | GrpcRoute>,
  parents: readonly ParentRef[],
  context: StatusContext,
): readonly ParentStatus[] {
  const observedGeneration = route.ref.generation;
  const refused = refusal(route);
  return parents.filter(isService).map((parentRef) => {
    const conditions: readonly Condition[] = [
      { type: 'Accepted', ...(refused ?? acceptance(parentRef, route.ref, context)), observedGeneration },
      ...(refused === undefined
        ? [{ type: 'ResolvedRefs' as const, ...resolution(route, parentRef, context), observedGeneration }]
        : []),
    ];
    return { parentRef, controllerName, conditions };
  });
}
