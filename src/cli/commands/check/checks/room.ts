import { asKnown } from '../../../../injection/namespace-facts.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { listAll } from '../../../../kubernetes/list.ts';
import { amountOf } from '../../../../pod/resources.ts';
import type { Added } from '../../../../index.ts';
import { goodUnless, shortened, skipped, type Check } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

type Bound = 'requests' | 'limits';

function amount(container: JsonObject, bound: Bound, resource: string): number {
  return amountOf(objectMember(objectMember(container, 'resources'), bound)?.[resource]) ?? 0;
}

/** What an injected pod takes more than before, as the scheduler and quotas count it. */
function addedAmount({ initContainers, containers }: Added, bound: Bound, resource: string): number {
  const native = initContainers.filter((one) => stringMember(one, 'restartPolicy') === 'Always');
  return [...native, ...containers].reduce((sum, one) => sum + amount(one, bound, resource), 0);
}

/** What a ResourceQuota has no room for. */
function quotaFaults(quota: JsonObject, added: Added): string[] {
  // What a quota with scopes counts depends on the pod.
  const spec = objectMember(quota, 'spec');
  if (member(spec, 'scopes') !== undefined || member(spec, 'scopeSelector') !== undefined) return [];
  const status = objectMember(quota, 'status');
  const [hard, used] = [objectMember(status, 'hard'), objectMember(status, 'used')];
  return Object.entries(hard ?? {}).flatMap(([name, most]) => {
    const [, bound = 'requests', resource = ''] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? [];
    if (resource === '') return [];
    const wanted = addedAmount(added, bound as Bound, resource);
    const left = (amountOf(most) ?? Infinity) - (amountOf(used?.[name]) ?? 0);
    if (wanted <= left) return [];
    const own = stringMember(objectMember(quota, 'metadata'), 'name') ?? '';
    return [`ResourceQuota ${own} has no room for the sidecar of one more pod: ${name}`];
  });
}

/** What a LimitRange refuses. */
function limitFaults(range: JsonObject, added: Added): string[] {
  const own = stringMember(objectMember(range, 'metadata'), 'name') ?? '';
  const faults: string[] = [];
  for (const limit of objectsMember(objectMember(range, 'spec'), 'limits')) {
    const type = stringMember(limit, 'type');
    for (const [resource, most] of Object.entries(objectMember(limit, 'max') ?? {})) {
      const allowed = amountOf(most) ?? Infinity;
      if (type === 'Pod' && addedAmount(added, 'limits', resource) > allowed) {
        faults.push(`LimitRange ${own} allows a pod less ${resource} than its sidecar takes`);
      }
      if (type !== 'Container') continue;
      for (const one of [...added.initContainers, ...added.containers]) {
        if (amount(one, 'limits', resource) > allowed) {
          faults.push(`LimitRange ${own} allows a container less ${resource} than ${one.name} has as its limit`);
        }
      }
    }
    if (type !== 'Container') continue;
    for (const [resource, least] of Object.entries(objectMember(limit, 'min') ?? {})) {
      for (const one of [...added.initContainers, ...added.containers]) {
        if (amount(one, 'requests', resource) < (amountOf(least) ?? 0)) {
          faults.push(`LimitRange ${own} asks for more ${resource} than ${one.name} requests`);
        }
      }
    }
    for (const [resource, ratio] of Object.entries(objectMember(limit, 'maxLimitRequestRatio') ?? {})) {
      for (const one of [...added.initContainers, ...added.containers]) {
        const [request, most] = [amount(one, 'requests', resource), amount(one, 'limits', resource)];
        if (request > 0 && most / request > (amountOf(ratio) ?? Infinity)) {
          faults.push(`LimitRange ${own}: limit and request of ${resource} of ${one.name} are too far apart`);
        }
      }
    }
  }
  return faults;
}

function namespaceOf(object: JsonObject): string {
  return stringMember(objectMember(object, 'metadata'), 'namespace') ?? '';
}

/** Quotas and limits of labelled namespaces leave room for the sidecar. */
export const roomCheck: Check = {
  id: 'room',
  title: 'quotas and limits of labelled namespaces leave room for the sidecar',
  async ask(cluster) {
    const namespaces = await cluster.selected();
    if (namespaces.length === 0) return skipped('no namespace is labelled for injection');
    const injector = await cluster.injector();
    const quotas = Object.groupBy(await listAll(cluster.client, '/api/v1/resourcequotas'), namespaceOf);
    const ranges = Object.groupBy(await listAll(cluster.client, '/api/v1/limitranges'), namespaceOf);
    const lines = namespaces.flatMap(({ name, labels, annotations }) => {
      const here = [quotas[name] ?? [], ranges[name] ?? []] as const;
      if (here.every((list) => list.length === 0)) return [];
      const { added } = injector.decide({ pod: probePod(), namespace: name, ...asKnown({ labels, annotations }) });
      if (added === undefined) return [];
      const faults = [
        ...here[0].flatMap((quota) => quotaFaults(quota, added)),
        ...here[1].flatMap((range) => limitFaults(range, added)),
      ];
      return faults.map((fault) => `namespace ${name}: ${fault}`);
    });
    const hint =
      'a larger quota or limit; or smaller sidecars: the profile small, or the annotations sidecar.istio.io/proxyCPU, proxyMemory and their limits';
    return goodUnless(shortened(lines), { status: 'warning', hint });
  },
};
