import { ports } from '../../pod/conventions.ts';
import { looseBoolean } from '../../grammar/grammar.ts';
import { istioNames as names } from '../../settings/istio/annotation-names.ts';
import type { MeshConfig } from '../../settings/schema/istio/mesh-config.ts';
import type { IstioValues } from '../../settings/schema/istio/values.ts';
import { byKey, isObject, member, objectAt, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { handlers, namedPort, type RewrittenHandler } from '../../pod/handler.ts';

/** What the agent asks the application, by the path on which the kubelet asks the agent. */
export type Probers = Readonly<Record<string, JsonObject>>;

/** A named port as a number; undefined when the container declares none of that name. */
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

/** The status ports: the pod's, to which probes are turned, and the mesh's, by which turned ones are known. */
export interface StatusPorts {
  readonly target: number;
  readonly known: number;
}

/** The agent's port in the mesh. */
export function agentPortOf({ defaultConfig }: MeshConfig): number {
  return defaultConfig.statusPort ?? ports.status;
}

export function statusPortsOf(mesh: MeshConfig, annotations: JsonObject | undefined): StatusPorts {
  const known = agentPortOf(mesh);
  return { target: Number(stringMember(annotations, names.statusPort) ?? known), known };
}

/** Whether probes go to the agent: what the pod or its template asks for, else the values. */
export function wantsProbes({ sidecarInjectorWebhook }: IstioValues, asked: string | undefined): boolean {
  const parsed = asked === undefined ? undefined : looseBoolean.parse(asked);
  return parsed !== undefined && 'value' in parsed ? parsed.value : sidecarInjectorWebhook.rewriteAppHTTPProbe;
}

/** What of one container's probes and hooks goes to the agent: every kind that the agent can ask, on whatever port. */
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
    if (stringMember(original, 'path') === path) continue;
    edits.push({ field, key, original, replacement: redirected(key, original, path, target) });
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

/** What the agent answers already; nothing when somebody damaged it. */
function answered(text: string | undefined): Probers {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isObject(value) ? (value as Probers) : {};
  } catch {
    return {};
  }
}

/** Where the agent's probers are among its variables, and their text with more of them: sorted, earlier ones kept. */
export function proberEntry(
  env: readonly JsonObject[],
  added: Probers,
): { readonly index: number; readonly entry: JsonObject } {
  const index = env.findIndex((one) => stringMember(one, 'name') === proberVariable);
  const all = Object.entries({ ...added, ...answered(stringMember(env[index], 'value')) });
  const value = JSON.stringify(Object.fromEntries(all.toSorted(byKey)));
  return { index, entry: { name: proberVariable, value } };
}

/** The variables with the probers among them, at the end unless there are some. */
export function withProberVariable(env: readonly JsonObject[], added: Probers): readonly JsonObject[] {
  const { index, entry } = proberEntry(env, added);
  return index < 0 ? [...env, entry] : env.with(index, entry);
}
