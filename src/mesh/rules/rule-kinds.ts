import type { JsonObject } from '../../json/json.ts';
import { readDestinationRule, type DestinationRule } from './destination-rule.ts';
import { readGrpcRoute, readHttpRoute, type GrpcRoute, type HttpRoute } from './gateway-route.ts';
import type { RuleKind, SecurityKind } from './object-ref.ts';
import { readAuthorizationPolicy, type AuthorizationPolicy } from './security/authorization-policy.ts';
import { readRateLimit, type RateLimit } from './security/rate-limit.ts';
import { readPeerAuthentication, type PeerAuthentication } from './security/peer-authentication.ts';
import { readReferenceGrant, type ReferenceGrant } from './reference-grant.ts';
import type { Rule } from './rule.ts';
import { readVirtualService, type VirtualService } from './virtual-service.ts';

/** What objects of each kind say. */
export interface RuleSpecs {
  readonly VirtualService: VirtualService;
  readonly DestinationRule: DestinationRule;
  readonly HTTPRoute: HttpRoute;
  readonly GRPCRoute: GrpcRoute;
  readonly ReferenceGrant: ReferenceGrant;
  readonly PeerAuthentication: PeerAuthentication;
  readonly AuthorizationPolicy: AuthorizationPolicy;
  readonly RateLimit: RateLimit;
}

/** The rules of a cluster by kind, and within one by `<namespace>/<name>`. */
export type Rules = { readonly [K in RuleKind]: ReadonlyMap<string, Rule<RuleSpecs[K]>> };

/** No rules. */
export const noRules: Rules = {
  VirtualService: new Map(),
  DestinationRule: new Map(),
  HTTPRoute: new Map(),
  GRPCRoute: new Map(),
  ReferenceGrant: new Map(),
  PeerAuthentication: new Map(),
  AuthorizationPolicy: new Map(),
  RateLimit: new Map(),
};

/** One kind of rules: where the API server has it, newest version first, and how an object is read. */
export interface RuleKindInfo<K extends RuleKind> {
  readonly group: string;
  readonly versions: readonly string[];
  readonly plural: string;
  readonly read: (object: JsonObject) => Rule<RuleSpecs[K]>;
}

const istio = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] } as const;
const security = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] } as const;
const gatewayApi = 'gateway.networking.k8s.io';

/** All kinds of rules. */
export const ruleKinds: { readonly [K in RuleKind]: RuleKindInfo<K> } = {
  VirtualService: { ...istio, plural: 'virtualservices', read: readVirtualService },
  DestinationRule: { ...istio, plural: 'destinationrules', read: readDestinationRule },
  HTTPRoute: { group: gatewayApi, versions: ['v1', 'v1beta1'], plural: 'httproutes', read: readHttpRoute },
  GRPCRoute: { group: gatewayApi, versions: ['v1'], plural: 'grpcroutes', read: readGrpcRoute },
  ReferenceGrant: {
    group: gatewayApi,
    versions: ['v1', 'v1beta1'],
    plural: 'referencegrants',
    read: readReferenceGrant,
  },
  PeerAuthentication: { ...security, plural: 'peerauthentications', read: readPeerAuthentication },
  AuthorizationPolicy: { ...security, plural: 'authorizationpolicies', read: readAuthorizationPolicy },
  RateLimit: { group: 'mesh.sidecar-injector.io', versions: ['v1alpha1'], plural: 'ratelimits', read: readRateLimit },
};

/** Returns whether a kind of object is one of rules. */
export function isRuleKind(kind: string): kind is RuleKind {
  return Object.hasOwn(ruleKinds, kind);
}

const securityKinds: readonly RuleKind[] = [
  'PeerAuthentication',
  'AuthorizationPolicy',
  'RateLimit',
] satisfies readonly SecurityKind[];

/** Returns whether a kind is one of those that protect pods. */
export function isSecurityKind(kind: RuleKind): kind is SecurityKind {
  return securityKinds.includes(kind);
}

/** Returns the objects that protect pods. */
export function securityRules(rules: Rules): readonly Rule<unknown>[] {
  return securityKinds.flatMap((kind): readonly Rule<unknown>[] => [...rules[kind].values()]);
}
