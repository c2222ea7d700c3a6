import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '../../../src/json/json.ts';
import { indexRules } from '../../../src/mesh/plan/rule-index.ts';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import { planTraffic } from '../../../src/mesh/plan/service-traffic.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import { worldOf } from './world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };

/** What proxies get for all Services of a cluster with these objects, as YAML documents. */
export function resourcesOfObjects(text: string): readonly Resource[] {
  const objects = parseAllDocuments(text).map((document) => document.toJS() as JsonObject);
  const world = worldOf(objects);
  const known = { world, domains, index: indexRules(world.rules, domains) };
  return [...world.service.keys()].flatMap((key) => {
    const plan = planService(world, key, domains, known.index.peers.modesOf);
    const serviceAt = (other: string) => world.service.get(other);
    return plan === undefined ? [] : serviceResources(plan, planTraffic(known, key).traffic, { serviceAt });
  });
}
