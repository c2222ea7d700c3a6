import { ports } from '../../pod/conventions.ts';
import { looseBoolean } from '../../grammar/grammar.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import type { MeshConfig } from '../../settings/schema/istio/mesh-config.ts';
import type { IstioValues } from '../../settings/schema/istio/values.ts';
import { byKey, isObject, isSame, member, objectAt, objectMember, parseJson, stringMember } from '../../json/json.ts';
import type { JsonObject } from '../../json/json.ts';
import { handlers, namedPort, type RewrittenHandler } from '../../pod/handler.ts';

/** The probes that the agent sends to the application, keyed by the path on which the kubelet probes the agent. */
export type Probers = Readonly<Record<string, JsonObject>>;

/** Resolves a named port to a number. Undefined if the container declares no port of that name. */
function resolved(action: JsonObject, container: JsonObject): JsonObject | undefined {
  const port = member(action, 'port');
  if (typeof port !== 'string') return action;
  const number = namedPort(container, port);
  return number === undefined ? undefined : { ...action, port: number };
}

function redirected(key: RewrittenHandler['key'], action: JsonObject, path: string, port: number): JsonObject {
  if (key !== 'httpGet') return { path, port };
  const scheme = stringMember(action, 'scheme');
  return { ...action, path, port, ...(scheme === 'HTTPS' ? { scheme: 'HTTP' } : {}) };
}

/**
 * Status ports: `target` is the pod's, to which probes are rewritten; `known` is the mesh's, by which rewritten probes
 * are recognised.
 */
export interface StatusPorts {
  readonly target: number;
  readonly known: number;
}

/** Returns the agent's port in the mesh. */
export function agentPortOf({ defaultConfig }: MeshConfig): number {
  return defaultConfig.statusPort ?? ports.status;
}

export function statusPortsOf(mesh: MeshConfig, annotations: JsonObject | undefined): StatusPorts {
  const known = agentPortOf(mesh);
  return { target: Number(stringMember(annotations, names.statusPort) ?? known), known };
}

/** Returns whether probes are rewritten: the choice of the pod or its template, else the values. */
export function wantsProbes({ sidecarInjectorWebhook }: IstioValues, asked: string | undefined): boolean {
  const parsed = asked === undefined ? undefined : looseBoolean.parse(asked);
  return parsed !== undefined && 'value' in parsed ? parsed.value : sidecarInjectorWebhook.rewriteAppHTTPProbe;
}

/** Returns the rewrites for one container: every kind of probe and hook that the agent supports, on any port. */
export function probersOf(
  container: JsonObject,
  { target, known }: StatusPorts,
): { readonly edits: readonly RewrittenHandler[]; readonly probers: Probers } {
  const name = stringMember(container, 'name') ?? '';
  const edits: RewrittenHandler[] = [];
  const probers: [string, JsonObject][] = [];
  for (const { field, path: place, folder, kind } of handlers) {
    const isProbe = folder === 'app-health';
    const handler = objectAt(container, place);
    const key = (['httpGet', 'tcpSocket', ...(isProbe ? (['grpc'] as const) : [])] as const).find(
      (candidate) => objectMember(handler, candidate) !== undefined,
    );
    const original = key === undefined ? undefined : objectMember(handler, key);
    if (handler === undefined || key === undefined || original === undefined) continue;
    const path = `/${folder}/${name}/${kind}`;
    const replacement = redirected(key, original, path, target);
    if (!isSame(replacement, original)) edits.push({ field, key, original, replacement });
    // Rewritten before, even if a template has laid its port over that since.
    if (stringMember(original, 'path') === path) continue;
    const action = resolved(original, container);
    if (action === undefined || member(action, 'port') === known) continue;
    const timeout = isProbe ? member(handler, 'timeoutSeconds') : undefined;
    probers.push([
      path,
      { [key]: action, ...(typeof timeout === 'number' && timeout !== 0 ? { timeoutSeconds: timeout } : {}) },
    ]);
  }
  return { edits, probers: Object.fromEntries(probers) };
}

const proberVariable = 'ISTIO_KUBE_APP_PROBERS';

/** Returns the probers that the agent already has; none if the variable is not valid JSON. */
function answered(text: string | undefined): Probers {
  const value = text === undefined ? undefined : parseJson(text);
  return isObject(value) ? (value as Probers) : {};
}

/**
 * Returns the index of the agent's variable for probers, -1 if there is none, and the variable with the added probers:
 * sorted by path, existing ones win.
 */
export function proberEntry(
  env: readonly JsonObject[],
  added: Probers,
): { readonly index: number; readonly entry: JsonObject } {
  const index = env.findIndex((one) => stringMember(one, 'name') === proberVariable);
  const all = Object.entries({ ...added, ...answered(stringMember(env[index], 'value')) });
  const value = JSON.stringify(Object.fromEntries(all.toSorted(byKey)));
  return { index, entry: { name: proberVariable, value } };
}

/** Returns the variables with the probers added, in place if the variable exists, else at the end. */
export function withProberVariable(env: readonly JsonObject[], added: Probers): readonly JsonObject[] {
  const { index, entry } = proberEntry(env, added);
  return index < 0 ? [...env, entry] : env.with(index, entry);
}
