import type { ObjectRef } from '../rules/object-ref.ts';
import type { Finding } from '../rules/finding.ts';
import type { Service } from '../world/service.ts';
import type { Backend, HashKey, RouteRule } from './route-plan.ts';
import type { View } from './view.ts';

/** What the translation of routes has to know of the cluster, for one port of a Service and some of its clients. */
export interface RouteContext {
  readonly view: View;
  /** The Service that is called. */
  readonly service: Service;
  /** Its port that is called. */
  readonly port: number;
  /** Full name of a Service in DNS. */
  hostOf(service: Service): string;
  /** Returns the Service of a namespace, if it is one that can be called through the mesh. */
  serviceAt(namespace: string, name: string): Service | undefined;
  /** Returns the Service with a full name in DNS. */
  serviceOf(host: string): Service | undefined;
  /** Returns whether the backend's Service has a subset of its name, for clients of the view. */
  hasSubset(backend: Backend): boolean;
  /** Returns the DestinationRule that counts for calls of the backend by the clients of the view, and by no others. */
  ruleOfClients(backend: Backend): ObjectRef | undefined;
  /** Returns by what the backend's load balancer picks an endpoint, if it does so by a hash. */
  hashOf(backend: Backend): HashKey | undefined;
}

/** The rules that an object makes for one port, in its order. */
export interface TranslatedRoutes {
  /** Undefined if something that it names is missing: the last good routes stay. */
  readonly rules: readonly RouteRule[] | undefined;
  readonly findings: readonly Finding[];
}
