import type { Finding } from '../rules/finding.ts';
import type { Destination } from '../rules/istio/http-route.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { Service } from '../world/service.ts';
import type { RouteContext } from './route-context.ts';
import type { Backend, HashKey } from './route-plan.ts';

/**
 * Finds what a destination names.
 *
 * @param field pointer to the destination
 * @returns undefined if it is not there; a finding says so
 */
export type Resolver = (
  destination: Destination,
  field: string,
) => { readonly backend: Backend; readonly hash: HashKey | undefined } | undefined;

const stays = 'the last good routes stay, if there are any';

function hostSentence(host: string, { namespace }: ObjectRef, context: RouteContext): string {
  if (!host.includes('.')) return `there is no Service "${host}" in the namespace ${namespace}; ${stays}`;
  const [name = '', other = ''] = host.split('.');
  const meant = context.serviceAt(other, name);
  const hint = meant === undefined ? '' : `; a host with a dot is a full name: write ${context.hostOf(meant)}`;
  return `there is no Service with the full name "${host}"${hint}; ${stays}`;
}

/** Returns what finds destinations that an object names, and adds a finding for each that is not there. */
export function destinationResolver(ref: ObjectRef, context: RouteContext, findings: Finding[]): Resolver {
  const lacks = (field: string, code: string, sentence: string): undefined => {
    findings.push({ field, effect: 'warning', code, sentence });
  };
  const serviceOf = (host: string): Service | undefined =>
    host.includes('.') ? context.serviceOf(host) : context.serviceAt(ref.namespace, host);
  return ({ host, port: selector, subset }, field) => {
    const service = serviceOf(host);
    if (service === undefined) return lacks(`${field}/host`, 'NoSuchHost', hostSentence(host, ref, context));
    const ports = service.ports.filter(({ transport }) => transport === 'TCP').map(({ number }) => number);
    const port = selector?.number ?? (ports.length === 1 ? (ports[0] ?? context.port) : context.port);
    if (!ports.includes(port)) {
      const remedy = selector === undefined ? ', which was called; add port: {number: …}' : '';
      const sentence = `the Service "${host}" has no port ${port}${remedy}; it has ${ports.join(', ')}; ${stays}`;
      return lacks(selector === undefined ? field : `${field}/port/number`, 'NoSuchPort', sentence);
    }
    const plain = { service: service.key, host: context.hostOf(service), port };
    const backend = subset === undefined ? plain : { ...plain, subset };
    if (subset !== undefined && !context.hasSubset(backend)) {
      const rule = context.ruleOfClients(backend);
      const who =
        rule === undefined
          ? `no DestinationRule of "${host}" has a`
          : `for clients in namespace ${rule.namespace}, DestinationRule ${rule.namespace}/${rule.name} counts, which has no`;
      const sentence = `${who} subset "${subset}"; add it there; ${stays}`;
      return lacks(`${field}/subset`, 'NoSuchSubset', sentence);
    }
    return { backend, hash: context.hashOf(backend) };
  };
}
