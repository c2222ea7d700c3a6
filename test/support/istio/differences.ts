import {
  canonicalText,
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';
import type { Case, IstioInjector, Outcome } from './injector.ts';
import { forIstio, isDocumented, isGrpc, withoutDocumented, withoutDoubles } from './documented.ts';
import { comparedOf } from './normal-form.ts';
import { injectOurs } from './ours.ts';

/** One place in which the two injectors differ. */
export interface Difference {
  /** What cases of one kind have in common. */
  readonly kind: string;
  readonly ours: Json;
  readonly istio: Json;
}

function nameOf(value: Json, index: number): string {
  const name = isObject(value) ? (stringMember(value, 'name') ?? stringMember(value, 'mountPath')) : undefined;
  return name ?? String(index);
}

function isNamedList(value: Json): value is readonly JsonObject[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && stringMember(item, 'name') !== undefined);
}

/** The places in which two values differ, named by their path; items of lists by their names. */
function compare(path: string, ours: Json | undefined, istio: Json | undefined): Difference[] {
  if (canonicalText(ours ?? null) === canonicalText(istio ?? null)) return [];
  if (isObject(ours) && isObject(istio)) {
    const keys = [...new Set([...Object.keys(ours), ...Object.keys(istio)])];
    return keys.flatMap((key) => compare(`${path}/${key}`, ours[key], istio[key]));
  }
  if (ours !== undefined && istio !== undefined && isNamedList(ours) && isNamedList(istio)) {
    const named = (list: readonly JsonObject[]) => new Map(list.map((item, index) => [nameOf(item, index), item]));
    const [left, right] = [named(ours), named(istio)];
    const names = [...new Set([...left.keys(), ...right.keys()])];
    const found = names.flatMap((name) => compare(`${path}[${name}]`, left.get(name), right.get(name)));
    if (found.length > 0) return found;
    const order = (list: readonly JsonObject[]): Json => list.map(nameOf);
    return [{ kind: `${path} order`, ours: order(ours), istio: order(istio) }];
  }
  return [{ kind: path, ours: ours ?? null, istio: istio ?? null }];
}

function summary(outcome: Outcome): Json {
  return outcome.outcome === 'deny' ? `deny: ${outcome.message}` : outcome.outcome;
}

/**
 * All differences of a case that the documentation does not list.
 *
 * @param onInjected is called if both have injected the pod
 */
export async function differencesIn(
  one: Case,
  istio: IstioInjector,
  onInjected: () => void = () => undefined,
): Promise<Difference[]> {
  const expected = forIstio(one);
  const answer = await istio.inject(expected);
  // On OpenShift the two are given different pods, so ours is not given what Istio's program has made of its own.
  const object = expected === one ? answer.given : one.object;
  const ours = injectOurs({ ...one, object });
  if (ours.outcome === 'inject' && answer.outcome.outcome === 'inject') onInjected();
  if (one.way !== 'again') return differencesOf(one, ours, answer.outcome);
  if (answer.outcome.outcome !== 'inject') return [];
  const second = { ...one, object: withLater(withoutDoubles(answer.outcome.object), one.later) };
  const { outcome } = await istio.inject(forIstio(second));
  return [...differencesOf(second, injectOurs(second), outcome), ...laterDifferences(one, ours, outcome)];
}

/** What calling this project on its own result makes of a container that has come since, beside what Istio makes of it. */
function laterDifferences(one: Case, first: Outcome, istio: Outcome): Difference[] {
  if (one.later === undefined || first.outcome !== 'inject' || istio.outcome !== 'inject' || isGrpc(one)) return [];
  const object = withLater(first.object, one.later);
  const second = injectOurs({ ...one, object });
  if (second.outcome === 'deny') return [{ kind: 'later: denied', ours: summary(second), istio: 'inject' }];
  const ours = laterIn(second.outcome === 'inject' ? second.object : object);
  return compare('later', ours, laterIn(istio.object));
}

/** The later container and what the agent is told of its probes. */
function laterIn(object: JsonObject): JsonObject {
  const [found] = comparedOf(object);
  const spec = objectMember(found?.pod, 'spec');
  const named = (name: string): JsonObject | undefined =>
    [...objectsMember(spec, 'containers'), ...objectsMember(spec, 'initContainers')].find(
      (one) => one['name'] === name,
    );
  const probers = objectsMember(named('istio-proxy'), 'env').findLast(
    (one) => one['name'] === 'ISTIO_KUBE_APP_PROBERS',
  );
  const own = Object.entries(objectMember(probers, 'value') ?? {}).filter(([path]) => path.split('/')[2] === 'later');
  return { container: named('later') ?? {}, probers: Object.fromEntries(own) };
}

function withLater(pod: JsonObject, later: JsonObject | undefined): JsonObject {
  const spec = objectMember(pod, 'spec');
  return later === undefined
    ? pod
    : { ...pod, spec: { ...spec, containers: [...objectsMember(spec, 'containers'), later] } };
}

function differencesOf(one: Case, ours: Outcome, istio: Outcome): Difference[] {
  if (isDocumented(one, ours, istio)) return [];
  if (ours.outcome !== istio.outcome) {
    const message = ours.outcome === 'deny' ? ` ${ours.message.replaceAll(/"[^"]*"|\d+/g, '…').slice(0, 90)}` : '';
    return [{ kind: `${ours.outcome} not ${istio.outcome}${message}`, ours: summary(ours), istio: summary(istio) }];
  }
  if (ours.outcome !== 'inject' || istio.outcome !== 'inject') return [];
  const [left] = comparedOf(ours.object);
  const [right] = comparedOf(istio.object);
  const [a, b] = withoutDocumented(one, left, right);
  return compare('', a as unknown as Json, b as unknown as Json);
}
