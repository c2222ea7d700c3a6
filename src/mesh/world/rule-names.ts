import type { RuleKind } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleSpecs } from '../rules/rule-kinds.ts';

/** Services that a rule names. A rule that is not understood names none. */
export interface RuleNames {
  /** Those whose calls it decides on: `<namespace>/<name>`, `<namespace>/*` for all of a namespace, or `*` for all. */
  readonly targets: readonly string[];
  /** Those that it sends requests to, as `<namespace>/<name>`. */
  readonly backends: readonly string[];
}

const nothing: RuleNames = { targets: [], backends: [] };

/**
 * Returns the Service that a host may stand for. It is not asked whether the host ends in the domain of the cluster: something that is
 * no Service may seem to be one here, but no Service is left out.
 */
function serviceOfHost(host: string, own: string): string {
  const [name = '', namespace = own] = host.toLowerCase().split('.');
  return `${namespace}/${name}`;
}

/** Returns the Services that a host with or without a wildcard may stand for. */
function targetOfHost(host: string, own: string): string {
  if (!host.startsWith('*')) return serviceOfHost(host, own);
  const [, first = '', second] = host.toLowerCase().split('.');
  return second === 'svc' ? `${first}/*` : '*';
}

/** Returns all values that members of a name have, at any depth. */
function membersOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [
    ...(key === name ? [one as unknown] : []),
    ...membersOf(one, name),
  ]);
}

function backendsOfHosts(spec: unknown, own: string): readonly string[] {
  return membersOf(spec, 'host').flatMap((host) => (typeof host === 'string' ? serviceOfHost(host, own) : []));
}

function backendsOfRefs(spec: unknown, own: string): readonly string[] {
  const refs = [...membersOf(spec, 'backendRefs').flat(), ...membersOf(spec, 'backendRef')];
  return refs.flatMap((ref) => {
    if (typeof ref !== 'object' || ref === null || !('name' in ref) || typeof ref.name !== 'string') return [];
    const namespace = 'namespace' in ref && typeof ref.namespace === 'string' ? ref.namespace : own;
    return `${namespace}/${ref.name}`;
  });
}

const readers: {
  readonly [K in RuleKind]: (spec: RuleSpecs[K], namespace: string) => RuleNames;
} = {
  VirtualService: (spec, own) => ({
    targets: spec.hosts.map((host) => targetOfHost(host, own)),
    backends: backendsOfHosts(spec, own),
  }),
  DestinationRule: (spec, own) => ({ targets: [targetOfHost(spec.host, own)], backends: [] }),
  HTTPRoute: gatewayNames,
  GRPCRoute: gatewayNames,
  ReferenceGrant: () => nothing,
  PeerAuthentication: () => nothing,
  AuthorizationPolicy: () => nothing,
  RateLimit: () => nothing,
};

function gatewayNames(spec: RuleSpecs['HTTPRoute'] | RuleSpecs['GRPCRoute'], own: string): RuleNames {
  const services = spec.parentRefs.filter(({ group, kind }) => group === '' && kind === 'Service');
  return {
    targets: services.map(({ namespace = own, name }) => `${namespace}/${name}`),
    backends: backendsOfRefs(spec, own),
  };
}

/** Returns the Services that a rule names, each once. */
export function namesOf<K extends RuleKind>(kind: K, rule: Rule<RuleSpecs[K]> | undefined): RuleNames {
  if (rule?.spec === undefined) return nothing;
  const { targets, backends } = readers[kind](rule.spec, rule.ref.namespace);
  return { targets: [...new Set(targets)], backends: [...new Set(backends)] };
}
