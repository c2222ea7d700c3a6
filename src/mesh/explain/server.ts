import { clusterNames } from '../../envoy/clusters.ts';
import { limitFilter } from '../../envoy/limit-filter.ts';
import { meshProtocols } from '../../envoy/mesh-tls.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { member, objectAt, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { spiffeId } from '../plan/identity.ts';
import { modeOf } from '../plan/peer-modes.ts';
import type { LimitPlan } from '../plan/limit-plan.ts';
import type { Origin } from '../plan/route-plan.ts';
import type { Known } from '../plan/service-traffic.ts';
import { inboundResources } from '../resources/proxy-resources.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { MtlsMode } from '../rules/security/peer-authentication.ts';
import { governs } from '../rules/security/selector.ts';
import type { Pod } from '../world/pod.ts';
import { decideAccess } from './access.ts';
import type { Protection } from './cluster-facts.ts';
import { countingLimits } from './limits.ts';
import { proxyConfiguration, walkInbound, type Connection, type ListenerWalk } from './listener-walk.ts';
import { headersAtRoutes, type Headers, type Request } from './request.ts';

/** What a client's proxy sends to an endpoint. */
export interface Sent {
  readonly address: string;
  readonly port: number;
  readonly protection: Protection;
  /** What is inside: HTTP that the client's proxy has read, or what its application has said. */
  readonly reads: 'http' | 'bytes';
  readonly speaks: Connection['speaks'];
  readonly request: Request;
}

/** Who sends it. */
export interface Sender {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly address: string;
}

/** A limit of requests, and where it comes from. */
export interface ExplainedLimit extends Pick<LimitPlan, 'requests' | 'seconds' | 'burst'> {
  readonly origin: Origin;
}

/** What the proxy of a pod makes of a connection or request that arrives. */
export interface ServerFacts {
  readonly filterChain: string;
  readonly reads: 'http' | 'bytes';
  /** What the pod takes on the port. */
  readonly mode: MtlsMode;
  /** The PeerAuthentications that say so. */
  readonly modeFrom: readonly ObjectRef[];
  /** Whether the connection is one that the pod takes. */
  readonly isTaken: boolean;
  /** Whether it may come in: a request that may not is answered with 403, a connection is closed. */
  readonly isAllowed: boolean;
  /** The rule that decides; undefined if none fits. */
  readonly rule: Origin | undefined;
  /** Limits that the request counts in, if it is let in: each has to let it through. */
  readonly limits: readonly ExplainedLimit[];
  /** The policies that allow something, if there are any: what none of them allows may not come in. */
  readonly allowing: readonly ObjectRef[];
}

/** What the routes of requests, or the filters of connections, are told about access. */
function accessOf({ chain, reading }: ListenerWalk, action: 'deny' | 'allow'): JsonObject | undefined {
  if (reading.type === 'http') {
    const [host] = objectsMember(reading.routes, 'virtual_hosts');
    return host && objectAt(host, ['typed_per_filter_config', action, 'rbac', 'rules']);
  }
  const filter = objectsMember(chain, 'filters').find((one) => stringMember(one, 'name') === action);
  return objectMember(objectMember(filter, 'typed_config'), 'rules');
}

/** Returns where a rule of access is from, by its name. */
function originOf({ world }: Known, name: string | undefined): Origin | undefined {
  const [, namespace, policy, index] = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(name ?? '') ?? [];
  const ref = world.rules.AuthorizationPolicy.get(`${namespace}/${policy}`)?.ref;
  return ref && { ref, field: `/spec/rules/${index}` };
}

/** Returns the policies that allow something of what a pod is asked. */
function allowing({ world, domains }: Known, pod: Pod): readonly ObjectRef[] {
  return [...world.rules.AuthorizationPolicy.values()].flatMap(({ ref, spec }) =>
    spec?.action === 'ALLOW' && !spec.isDryRun && governs(ref.namespace, spec.selector, pod, domains.rootNamespace)
      ? [ref]
      : [],
  );
}

/** Returns the connection as the server's proxy sees it. */
function connectionOf({ address, port, protection, reads, speaks }: Sent): Connection {
  switch (protection.type) {
    case 'mutual TLS':
      return { address, port, speaks: 'tls', alpn: meshProtocols[reads === 'http' ? 'http' : 'tcp'] };
    case 'TLS':
      return { address, port, speaks: 'tls' };
    case 'plain text':
      return { address, port, speaks: reads === 'http' ? 'http' : speaks };
  }
}

/** Returns the limits that requests with these headers count in, by what the routes are told. */
function limitsFor(
  { world }: Known,
  plans: readonly LimitPlan[],
  { reading }: ListenerWalk,
  headers: Headers,
): readonly ExplainedLimit[] {
  if (reading.type !== 'http') return [];
  const [host] = objectsMember(reading.routes, 'virtual_hosts');
  const told = host && objectAt(host, ['typed_per_filter_config', limitFilter.name]);
  const counted = countingLimits(told, headers);
  return plans.flatMap(({ name, requests, seconds, burst }) => {
    const [, key = '', index] = /^(.*)\/(\d+)$/.exec(name) ?? [];
    const ref = world.rules.RateLimit.get(key)?.ref;
    if (!counted.has(name) || ref === undefined) return [];
    return [{ origin: { ref, field: `/spec/limits/${index}` }, requests, seconds, burst }];
  });
}

/** Explains what the proxy of a pod makes of what a client sends, in the modes that the objects say. */
export function serverFacts(known: Known, pod: Pod, traffic: TrafficIntent, sent: Sent, sender: Sender): ServerFacts {
  const { domains, index } = known;
  const { modes, deciding } = index.peers.decide(pod);
  const [access, limits] = [index.accessTo(pod), index.limitsOf(pod)];
  const configuration = proxyConfiguration(inboundResources(traffic, { modes, access, limits }, domains.trust));
  const walk = walkInbound(configuration, connectionOf(sent));
  const { reading, chain } = walk;
  const isSecured = sent.protection.type === 'mutual TLS' && member(chain, 'transport_socket') !== undefined;
  const [deny, allow] = (['deny', 'allow'] as const).map((action) => accessOf(walk, action));
  const headers: Headers = reading.type === 'http' ? headersAtRoutes(reading.manager, sent.request) : new Map();
  const decision = decideAccess(
    { deny, allow },
    {
      identity: isSecured ? spiffeId(domains.trust, sender.namespace, sender.serviceAccount) : undefined,
      clientAddress: sender.address,
      address: sent.address,
      port: sent.port,
      serverName: sent.protection.serverName ?? '',
      headers,
    },
  );
  return {
    filterChain: stringMember(chain, 'name') ?? '',
    reads: reading.type,
    mode: modeOf(modes, sent.port),
    modeFrom: deciding.map(({ ref }) => ref),
    isTaken: reading.type === 'http' || reading.cluster !== clusterNames.blackHole,
    isAllowed: decision.isLetIn,
    rule: originOf(known, decision.rule),
    limits: limitsFor(known, limits, walk, headers),
    allowing: allowing(known, pod),
  };
}
