import type { JsonObject } from '../../../src/json/json.ts';
import { findDestination } from '../../../src/mesh/explain/destination.ts';
import { explain, type Explanation } from '../../../src/mesh/explain/explanation.ts';
import type { Connection } from '../../../src/mesh/explain/listener-walk.ts';
import type { Request } from '../../../src/mesh/explain/request.ts';
import { askedLabels, viewOf } from '../../../src/mesh/plan/client-view.ts';
import { indexRules } from '../../../src/mesh/plan/rule-index.ts';
import type { Known } from '../../../src/mesh/plan/service-traffic.ts';
import { proxyIntent } from '../builders/proxy-intent.ts';
import { worldOf } from './world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

/** What plans are made from in a cluster with these objects. */
export function knownOf(objects: readonly JsonObject[]): Known {
  const world = worldOf(objects);
  return { world, domains, index: indexRules(world.rules, domains) };
}

/** A client in a namespace, with the proxy of a pod without annotations. */
export function clientOf({ world }: Known, namespace = 'shop', labels: Readonly<Record<string, string>> = {}) {
  const self = { address: '10.0.0.9', name: 'web', namespace };
  const traffic = { ...proxyIntent({ accessLog: 'none' }), self };
  return { view: viewOf({ namespace, labels }, askedLabels(world.rules)), traffic };
}

/** A call of a client. */
export interface TestCall extends Partial<Omit<Request, 'headers'>> {
  readonly host?: string;
  readonly port?: number;
  readonly speaks?: Connection['speaks'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly from?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Explains a call; by default `GET http://cart/` of a client in the namespace `shop`. */
export function explained(objects: readonly JsonObject[], call: TestCall = {}): Explanation {
  const { host = 'cart', port = 80, speaks = 'http', from = 'shop', labels, headers = {}, ...more } = call;
  const known = knownOf(objects);
  const destination = findDestination(known, host, from);
  if ('problem' in destination) throw new Error(destination.problem);
  const request = { method: 'GET', path: '/', authority: host, ...more, headers: Object.entries(headers) };
  const client = clientOf(known, from, labels);
  return explain(known, client, { destination, port, speaks, request }, () => client.traffic);
}
