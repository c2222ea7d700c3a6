import type { BackendRef } from '../rules/gateway-fields.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { Backend } from './route-plan.ts';
import type { Service } from '../world/service.ts';
import type { RouteContext } from './route-context.ts';

/** Why a backend cannot be used, with a sentence; the reasons are Gateway API's, of the condition `ResolvedRefs`. */
export interface Unresolved {
  readonly reason: 'InvalidKind' | 'RefNotPermitted' | 'BackendNotFound';
  readonly sentence: string;
}

/** A backend, or why there is none. */
export type ResolvedBackend = { readonly backend: Backend } | { readonly unresolved: Unresolved };

function isPermitted(route: ObjectRef, namespace: string, name: string, grants: Rules['ReferenceGrant']): boolean {
  return [...grants.values()].some(({ ref, spec }) => {
    if (ref.namespace !== namespace || spec === undefined) return false;
    const isFrom = spec.from.some(
      (from) =>
        from.group === 'gateway.networking.k8s.io' && from.kind === route.kind && from.namespace === route.namespace,
    );
    return (
      isFrom &&
      spec.to.some((to) => to.group === '' && to.kind === 'Service' && (to.name === undefined || to.name === name))
    );
  });
}

function missing(reason: Unresolved['reason'], sentence: string): ResolvedBackend {
  return { unresolved: { reason, sentence } };
}

/**
 * Returns what a reference of a route leads to. A Service of another namespace needs a ReferenceGrant there, and is not looked up without
 * one: clients would call it by their own identity. They have called only `called` themselves, which needs none.
 */
export function resolveBackend(
  route: ObjectRef,
  called: Pick<Service, 'namespace' | 'name'>,
  backendRef: BackendRef,
  context: Pick<RouteContext, 'serviceAt' | 'hostOf'>,
  grants: Rules['ReferenceGrant'],
): ResolvedBackend {
  const { group, kind, name, namespace = route.namespace, port } = backendRef;
  if (group !== '' || kind !== 'Service' || port === undefined) {
    const full = group === '' ? kind : `${kind} (${group})`;
    return missing('InvalidKind', `${full} ${name} cannot get requests: name a Service (group: "", kind: Service)`);
  }
  const isCalled = namespace === called.namespace && name === called.name;
  if (namespace !== route.namespace && !isCalled && !isPermitted(route, namespace, name, grants)) {
    return missing(
      'RefNotPermitted',
      `Service ${namespace}/${name} is of another namespace: a ReferenceGrant in ${namespace} must let ${route.kind} of ${route.namespace} name it`,
    );
  }
  const service = context.serviceAt(namespace, name);
  if (service === undefined) {
    return missing('BackendNotFound', `there is no Service ${namespace}/${name} that can be called through the mesh`);
  }
  const ports = service.ports.map(({ number }) => number);
  if (!ports.includes(port)) {
    return missing('BackendNotFound', `Service ${namespace}/${name} has no port ${port}; it has ${ports.join(', ')}`);
  }
  return { backend: { service: service.key, host: context.hostOf(service), port } };
}
