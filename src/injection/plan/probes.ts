import type { ProbeAction, ProbeRedirect } from '../../pod/probe.ts';
import { handlers, namedPort, type RewrittenHandler } from '../../pod/handler.ts';
import { capturesInbound } from '../../sidecars/standalone/capture-intent.ts';
import type { PodContainer } from '../../pod/containers.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { isObject, member, objectAt, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';

/** A rewritten handler and its container. */
export interface ProbeEdit extends RewrittenHandler {
  readonly at: PodContainer;
}

/** How the proxy deals with the probes of the pod's containers. */
export interface ProbePlan {
  /** Everything that the proxy must answer, including probes rewritten by an earlier injection. */
  readonly redirects: readonly ProbeRedirect[];
  /** Changes to the pod. */
  readonly edits: readonly ProbeEdit[];
  /** Ports of probes that are not rewritten and would be captured; ascending. */
  readonly exclude: readonly number[];
  readonly warnings: readonly string[];
}

/** Resolves the port of an action to a number, whether it is written as number, text or name. */
function resolvePort(value: Json | undefined, container: JsonObject): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,5}$/.test(value)) return Number(value);
  const number = namedPort(container, value);
  return typeof number === 'number' ? number : undefined;
}

function isPort(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

type Action =
  | { readonly key: ProbeEdit['key']; readonly action: ProbeAction; readonly host: string | undefined }
  | { readonly unresolved: Json | undefined };

/**
 * Returns the single network action of a handler, with the host that it asks instead of the pod. Undefined for exec, sleep
 * and handlers that the API server rejects.
 */
function actionOf(handler: JsonObject, container: JsonObject): Action | undefined {
  const present = (['httpGet', 'tcpSocket', 'grpc'] as const).filter((key) => isObject(member(handler, key)));
  const [key] = present;
  if (key === undefined || present.length > 1) return undefined;
  const action = objectMember(handler, key) ?? {};
  const host = stringMember(action, 'host') || undefined;
  const port = resolvePort(member(action, 'port'), container);
  if (!isPort(port)) return { unresolved: member(action, 'port') };
  if (key === 'tcpSocket') return { key, host, action: { type: 'tcp', port } };
  if (key === 'grpc') {
    const service = stringMember(action, 'service');
    return {
      key,
      host,
      action: service === undefined || service === '' ? { type: 'grpc', port } : { type: 'grpc', port, service },
    };
  }
  const scheme = stringMember(action, 'scheme') === 'HTTPS' ? 'HTTPS' : 'HTTP';
  return { key, host, action: { type: 'http', scheme, port, path: stringMember(action, 'path') || '/' } };
}

/** Returns the rewritten action: our path, the status port, plain HTTP. The user's headers stay. */
function redirected(original: JsonObject, key: ProbeEdit['key'], path: string, statusPort: number): JsonObject {
  const headers = key === 'httpGet' ? member(original, 'httpHeaders') : undefined;
  return { path, port: statusPort, scheme: 'HTTP', ...(headers === undefined ? {} : { httpHeaders: headers }) };
}

function seconds(handler: JsonObject, key: string, otherwise: number): number {
  const value = member(handler, key);
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : otherwise;
}

/**
 * Plans which probes and hooks the proxy answers for the application. Probes are affected if their port is captured
 * inbound: the kubelet would otherwise learn about the proxy instead of the application. They are rewritten, or, if
 * rewriting is off or there is no status port, their ports are excluded from capture.
 *
 * @param recorded originals of an earlier injection
 */
export function planProbes(
  containers: readonly PodContainer[],
  effective: PodSettings,
  recorded: JsonObject,
): ProbePlan {
  const { statusPort } = effective.proxy;
  const rewrites = effective.rewriteProbes && statusPort !== 0;
  const redirects: ProbeRedirect[] = [];
  const edits: ProbeEdit[] = [];
  const exclude = new Set<number>();
  const warnings: string[] = [];
  for (const at of containers) {
    const { name } = at;
    for (const place of handlers) {
      const handler = objectAt(at.raw, place.path);
      if (handler === undefined) continue;
      const { field, kind, folder } = place;
      const path = `/${folder}/${name}/${kind}`;
      const before = objectMember(objectMember(recorded, name), field);
      const isRedirected = before !== undefined && stringMember(objectMember(handler, 'httpGet'), 'path') === path;
      const source = isRedirected ? before : handler;
      const found = actionOf(source, at.raw);
      if (found === undefined) continue;
      if ('unresolved' in found) {
        warnings.push(
          `container ${quote(name)}: ${field} asks port ${JSON.stringify(found.unresolved ?? null)}, which the container does not declare; it stays as it is`,
        );
        continue;
      }
      const { key, action, host } = found;
      if (!capturesInbound(effective, action.port)) continue;
      if (host !== undefined) {
        // The kubelet probes another address than the pod's, which the pod's rules do not capture.
        warnings.push(`container ${quote(name)}: ${field} asks host ${quote(host)} and not the pod; it stays as it is`);
        continue;
      }
      if (!rewrites) {
        exclude.add(action.port);
        continue;
      }
      redirects.push({
        path,
        container: name,
        kind,
        action,
        timeoutSeconds: seconds(handler, 'timeoutSeconds', 1),
        periodSeconds: seconds(handler, 'periodSeconds', 10),
      });
      if (isRedirected) continue;
      const original = objectMember(handler, key) ?? {};
      edits.push({ at, field, key, original, replacement: redirected(original, key, path, statusPort) });
    }
  }
  return {
    // In an order that does not depend on the containers' places, which are not known of those that are still to be added.
    redirects: redirects.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    edits,
    exclude: [...exclude].toSorted((left, right) => left - right),
    warnings,
  };
}
