import {
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';
import type { Case, Outcome } from './injector.ts';
import { containersOf, isInvalid, podOf } from './invalid-pod.ts';
import type { Compared } from './normal-form.ts';
import { annotationValues, labelValues, type Values } from './vocabulary.ts';

/*
 * What docs/istiod.md lists as different. Everything else that differs is a fault.
 */

/** Whether every reason names an annotation or label whose value Istio takes but does not understand. */
function refusesOddValues(one: Case, message: string): boolean {
  const metadata = objectMember(podOf(one.object), 'metadata');
  const oddOf = (table: Readonly<Record<string, Values>>, texts: JsonObject | undefined): string[] =>
    Object.entries(table)
      .filter(([name, { odd: values = [] }]) => values.includes(stringMember(texts, name) ?? '\0'))
      .map(([name]) => name);
  const odd = [
    ...oddOf(labelValues, objectMember(metadata, 'labels')),
    ...oddOf(annotationValues, objectMember(metadata, 'annotations')),
  ];
  return message.split('\n').every((line) => odd.some((name) => line.includes(name)));
}

function isUnreadable(message: string): boolean {
  return message.startsWith('could not parse proxy config');
}

/** Whether the documentation lists that the outcomes differ. */
export function isDocumented(one: Case, ours: Outcome, istio: Outcome): boolean {
  if (ours.outcome === 'deny' && ours.message.includes('InvalidPatch')) return false;
  if (istio.outcome === 'inject' && isInvalid(istio.object)) return true;
  if (ours.outcome === 'inject' && istio.outcome === 'deny') {
    return (
      istio.message.startsWith('panic: ') ||
      (isBareAgent(one) && hasMounts(one)) ||
      /IPRanges invalid: failed parsing cidr ' /.test(istio.message)
    );
  }
  // kube-inject reads the pod's configuration before it looks whether the pod is to be injected.
  if (ours.outcome === 'skip') return one.way === 'file' && istio.outcome === 'deny' && isUnreadable(istio.message);
  if (ours.outcome !== 'deny') return false;
  return (
    refusesOddValues(one, ours.message) || ours.message.split('\n').every((line) => line.startsWith('PortConflict:'))
  );
}

/** A change of a container of either side. */
type Change = (container: JsonObject) => JsonObject;

function itemsOf(container: JsonObject, key: string): readonly Json[] | undefined {
  const list = container[key];
  return Array.isArray(list) ? (list as readonly Json[]) : undefined;
}

function without(
  container: JsonObject,
  key: string,
  isUnwanted: (item: Json, index: number, all: readonly Json[]) => boolean,
): JsonObject {
  const items = itemsOf(container, key);
  if (items === undefined) return container;
  return { ...container, [key]: items.filter((item, index) => !isUnwanted(item, index, items)) };
}

const nameOf = (item: Json): Json | undefined => (isObject(item) ? item['name'] : undefined);

/** The variable that the proxy has since August 2026. */
const withoutNewVariable: Change = (container) => without(container, 'env', (item) => nameOf(item) === 'GOMAXPROCS');

/** A variable that the pod's own copy sets and the injector adds once more. */
const withLastVariables: Change = (container) =>
  without(container, 'env', (item, index, all) => all.findLastIndex((other) => nameOf(other) === nameOf(item)) > index);

/** Istio's result without the variables that it has twice. */
export function withoutDoubles(pod: JsonObject): JsonObject {
  const spec = objectMember(pod, 'spec') ?? {};
  const lists = ['containers', 'initContainers'].filter((name) => spec[name] !== undefined);
  const changed = lists.map((name): [string, Json] => [name, objectsMember(spec, name).map(withLastVariables)]);
  return { ...pod, spec: { ...spec, ...Object.fromEntries(changed) } };
}

/** `-g GROUP`: with TPROXY the rules exempt the group of the pod's own proxy as well. */
const withoutGroup: Change = (container) =>
  without(container, 'args', (item, index, all) => item === '-g' || all[index - 1] === '-g');

const lists: ReadonlySet<Json | undefined> = new Set(['-q', '-o', '-k', '-c']);

/** Flags with an empty list of ports, and spaces in one with some. */
const withPlainLists: Change = (container) => {
  const args = itemsOf(container, 'args');
  if (args === undefined) return container;
  const plain = args.map((item, index) =>
    (lists.has(args[index - 1]) || args[index - 1] === '-b') && typeof item === 'string'
      ? item.replaceAll(' ', '')
      : item,
  );
  return without(
    { ...container, args: plain },
    'args',
    (item, index, all) => (lists.has(item) && all[index + 1] === '') || (lists.has(all[index - 1]) && item === ''),
  );
};

/** The hook that calls port 0. */
const withoutHookToNothing: Change = (container) => {
  if (!JSON.stringify(container['lifecycle'] ?? null).includes('--debug-port=0"')) return container;
  const lifecycle = objectMember(container, 'lifecycle');
  const { exec: _, ...preStop } = objectMember(lifecycle, 'preStop') ?? {};
  const { preStop: __, ...others } = lifecycle ?? {};
  const hooks = Object.keys(preStop).length === 0 ? others : { ...others, preStop };
  const { lifecycle: ___, ...rest } = container;
  return Object.keys(hooks).length === 0 ? rest : { ...rest, lifecycle: hooks };
};

function changed(compared: Compared | undefined, changes: readonly Change[]): Compared | undefined {
  const spec = objectMember(compared?.pod, 'spec');
  if (compared === undefined || spec === undefined) return compared;
  const list = (name: string): JsonObject => {
    const containers = objectsMember(spec, name);
    if (containers.length === 0) return {};
    return { [name]: containers.map((one) => changes.reduce((made, change) => change(made), one)) };
  };
  // A volume of the pod's own with an injected name moves the others; their order means nothing.
  const volumes = objectsMember(spec, 'volumes').toSorted((one, other) =>
    (stringMember(one, 'name') ?? '') < (stringMember(other, 'name') ?? '') ? -1 : 1,
  );
  return {
    ...compared,
    pod: { ...compared.pod, spec: { ...spec, volumes, ...list('containers'), ...list('initContainers') } },
  };
}

function annotationOf(one: Case, name: string): string | undefined {
  return stringMember(objectMember(objectMember(podOf(one.object), 'metadata'), 'annotations'), name);
}

/** Whether Istio makes the pod's own proxy root although the pod asks for no TPROXY. */
function isRootForMesh(one: Case): boolean {
  const mode = annotationOf(one, 'sidecar.istio.io/interceptionMode');
  const config = [one.settings.meshConfig, annotationOf(one, 'proxy.istio.io/config') ?? ''];
  return mode !== undefined && mode !== 'TPROXY' && JSON.stringify(config).includes('TPROXY');
}

/** Nor does the container that checks the rules get the user and group of the pod's own proxy then. */
const withoutUser: Change = (container) =>
  ['istio-proxy', 'istio-validation'].includes(stringMember(container, 'name') ?? '')
    ? withoutIds(container)
    : container;

function statusPortOf(one: Case): string {
  const proxy = objectMember(objectMember(one.settings.values, 'global'), 'proxy');
  return annotationOf(one, 'status.sidecar.istio.io/port') ?? JSON.stringify(proxy?.['statusPort'] ?? null);
}

/** Templates that change every container; one that comes after the injection stays as it is. */
export function isGrpc(one: Case): boolean {
  return annotationOf(one, 'inject.istio.io/templates')?.startsWith('grpc-') === true;
}

/** An agent that is asked for no status port has neither mounts nor resources in Istio. */
function isBareAgent(one: Case): boolean {
  return annotationOf(one, 'inject.istio.io/templates')?.startsWith('grpc-agent') === true && statusPortOf(one) === '0';
}

/** Mounts by annotation land among the agent's variables then, so that the rendered text is no container. */
function hasMounts(one: Case): boolean {
  return annotationOf(one, 'sidecar.istio.io/userVolumeMount') !== undefined;
}

const withoutMounts: Change = (container) => {
  if (container['name'] !== 'istio-proxy') return container;
  const { resources: _, volumeMounts: __, ...rest } = container;
  // Mounts by annotation end up among the variables.
  return without(rest, 'env', (item) => nameOf(item) === 'istio-data');
};

/** Probes that the agent would send to itself after a second injection; a variable without any other says nothing. */
const withoutOwnProbers: Change = (container) => {
  const changed = (itemsOf(container, 'env') ?? []).flatMap((item): Json[] => {
    if (!isObject(item) || item['name'] !== 'ISTIO_KUBE_APP_PROBERS' || item['valueFrom'] !== undefined) return [item];
    const probers = objectMember(item, 'value') ?? {};
    const others = Object.entries(probers).filter(
      ([path, prober]) => !isObject(prober) || stringMember(objectMember(prober, 'httpGet'), 'path') !== path,
    );
    return others.length === 0 ? [] : [{ ...item, value: Object.fromEntries(others) }];
  });
  const { env: _, ...rest } = container;
  return changed.length === 0 ? rest : { ...rest, env: changed };
};

/** The delay that the pod's own proxy has, of which a second injection leaves nothing. */
const withoutDelay: Change = (container) => {
  const probe = objectMember(container, 'startupProbe');
  if (container['name'] !== 'istio-proxy' || probe === undefined) return container;
  const { initialDelaySeconds: _, ...startupProbe } = probe;
  return { ...container, startupProbe };
};

/** The hook that calls port 0, which has taken the place of the pod's own. */
const withoutProxyHooks: Change = ({ lifecycle: hooks = null, ...rest }) =>
  rest['name'] === 'istio-proxy' ? rest : { ...rest, lifecycle: hooks };

/** What stays of a first injection by Istio. */
const fromBefore: readonly Change[] = [withoutNewVariable, withoutOwnProbers, withoutDelay];

/** Both results without what the documentation lists as different. */
export function withoutDocumented(
  one: Case,
  ours: Compared | undefined,
  istio: Compared | undefined,
): readonly [Compared | undefined, Compared | undefined] {
  const both = [
    ...(isRootForMesh(one) ? [withoutUser] : []),
    ...(isBareAgent(one) ? [withoutMounts] : []),
    ...(one.way === 'again' ? fromBefore : []),
    ...(one.way === 'again' && statusPortOf(one) === '0' ? [withoutProxyHooks] : []),
  ];
  return [
    changed(ours, [...both, withoutGroup]),
    changed(istio, [...both, withoutNewVariable, withLastVariables, withPlainLists, withoutHookToNothing]),
  ];
}

function withoutIds(container: JsonObject): JsonObject {
  const { runAsUser: _user, runAsGroup: _group, ...security } = objectMember(container, 'securityContext') ?? {};
  return { ...container, securityContext: security };
}

/**
 * The case as Istio's injector has to be given it on OpenShift: it drops the ids of the pod's own proxy if the
 * application has the same user, but its patch then assumes a pod without them, and values land in other places.
 */
export function forIstio(one: Case): Case {
  const spec = objectMember(one.object, 'spec');
  if (!one.settings.openShift || spec === undefined) return one;
  const all = containersOf(one.object);
  const userOf = (container: JsonObject | undefined): Json =>
    objectMember(container, 'securityContext')?.['runAsUser'] ?? 0;
  const proxy = all.find((container) => container['name'] === 'istio-proxy');
  const application = all.findLast(
    (container) =>
      !['istio-proxy', 'istio-init', 'istio-validation'].includes(stringMember(container, 'name') ?? '') &&
      objectMember(container, 'securityContext')?.['runAsUser'] !== undefined,
  );
  if (objectMember(proxy, 'securityContext') === undefined || userOf(proxy) !== userOf(application)) return one;
  const clean = (name: string): JsonObject => {
    const containers = objectsMember(spec, name);
    if (containers.length === 0) return {};
    return { [name]: containers.map((container) => (container === proxy ? withoutIds(container) : container)) };
  };
  return { ...one, object: { ...one.object, spec: { ...spec, ...clean('containers'), ...clean('initContainers') } } };
}
