import type { ProbeAction, ProbeRedirect } from '../../pod/probe.ts';
import { handlers, isHook, namedPort, type Handler, type RewrittenHandler } from '../../pod/handler.ts';
import { capturesInbound } from '../../sidecars/standalone/capture-intent.ts';
import type { PodContainer } from '../../pod/containers.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { isObject, member, objectAt, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import type { StartedBefore } from './start-order.ts';

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

/** How long the kubelet waits for a handler, and how often it asks. It waits for a hook without a limit, and asks once. */
function timesOf(handler: JsonObject, place: Handler): Pick<ProbeRedirect, 'timeoutSeconds' | 'periodSeconds'> {
  if (isHook(place)) return { timeoutSeconds: 0, periodSeconds: 0 };
  return {
    timeoutSeconds: seconds(handler, 'timeoutSeconds', 1),
    periodSeconds: seconds(handler, 'periodSeconds', 10),
  };
}

/**
 * Returns why the proxy cannot answer a handler of a container that starts before it. The kubelet starts the next
 * container only when the startup probe of a native sidecar has succeeded, or when the postStart hook of any container
 * has ended, so that both would wait for each other. Undefined where the proxy is there by the time of the handler.
 */
function tooEarly({ list }: PodContainer, { field }: Handler): string | undefined {
  if (list === 'initContainers') return 'its container starts before the proxy';
  return field === 'lifecycle/postStart'
    ? 'it runs before the proxy starts (holdApplicationUntilProxyStarts changes the order)'
    : undefined;
}

/**
 * Returns the names that tell a container from all others, and that a path can have as a segment. The API server refuses pods with
 * other names, but an object that is never sent to it must come back from `uninject` as it was.
 */
function tellingNames(containers: readonly PodContainer[]): ReadonlySet<string> {
  const [once, again] = [new Set<string>(), new Set<string>()];
  for (const { name } of containers) (once.has(name) ? again : once).add(name);
  return new Set([...once].filter((name) => name !== '' && !name.includes('/') && !again.has(name)));
}

/**
 * Plans which probes and hooks the proxy answers for the application. Probes are affected if their port is captured
 * inbound: the kubelet would otherwise learn about the proxy instead of the application. They are rewritten, or, if
 * rewriting is off, there is no status port, or the proxy is not there yet, their ports are excluded from capture.
 *
 * @param recorded originals of an earlier injection
 * @param before containers that start before the proxy
 */
export function planProbes(
  containers: readonly PodContainer[],
  effective: PodSettings,
  recorded: JsonObject,
  before: StartedBefore,
): ProbePlan {
  const { statusPort } = effective.proxy;
  const rewrites = effective.rewriteProbes && statusPort !== 0;
  const redirects: ProbeRedirect[] = [];
  const edits: ProbeEdit[] = [];
  const exclude = new Set<number>();
  const warnings: string[] = [];
  const telling = tellingNames(containers);
  for (const at of containers) {
    const { name } = at;
    if (!telling.has(name)) continue;
    for (const place of handlers) {
      const handler = objectAt(at.raw, place.path);
      if (handler === undefined) continue;
      const { field, kind, folder } = place;
      const path = `/${folder}/${name}/${kind}`;
      const original = objectMember(objectMember(recorded, name), field);
      const isRedirected = original !== undefined && stringMember(objectMember(handler, 'httpGet'), 'path') === path;
      const source = isRedirected ? original : handler;
      const found = actionOf(source, at.raw);
      if (found === undefined) continue;
      if ('unresolved' in found) {
        warnings.push(
          `container ${quote(name)}: ${field} asks port ${JSON.stringify(found.unresolved ?? null)}, which the container does not declare; it stays as it is`,
        );
        continue;
      }
      const { key, action, host } = found;
      // The kubelet has no such hook: it fails, whatever is there.
      if (isHook(place) && key !== 'httpGet') continue;
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
      const early = before.has(name) && !isRedirected ? tooEarly(at, place) : undefined;
      if (early !== undefined) {
        exclude.add(action.port);
        warnings.push(
          `container ${quote(name)}: ${field} stays as it is and its port ${action.port} is not captured, because ${early}`,
        );
        continue;
      }
      redirects.push({
        path,
        container: name,
        kind,
        action,
        ...timesOf(handler, place),
      });
      if (isRedirected) continue;
      const asked = objectMember(handler, key) ?? {};
      edits.push({ at, field, key, original: asked, replacement: redirected(asked, key, path, statusPort) });
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
