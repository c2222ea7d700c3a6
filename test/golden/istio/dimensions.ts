import { isDeepStrictEqual } from 'node:util';
import { objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../../src/json/json.ts';
import type { Compared } from '../../support/istio/normal-form.ts';

const injected = new Set(['istio-proxy', 'istio-init', 'istio-validation']);

interface Placed {
  readonly list: string;
  readonly container: JsonObject;
}

function containersOf(pod: JsonObject | undefined): Placed[] {
  const spec = objectMember(pod, 'spec');
  return ['initContainers', 'containers'].flatMap((list) =>
    objectsMember(spec, list).map((container) => ({ list, container })),
  );
}

function named(pod: JsonObject | undefined, wanted: (name: string) => boolean): JsonObject[] {
  return containersOf(pod)
    .map(({ container }) => container)
    .filter((container) => wanted(stringMember(container, 'name') ?? ''));
}

function picked(containers: readonly JsonObject[], keys: readonly string[]): Json {
  return containers.map((container) => Object.fromEntries(keys.map((key) => [key, container[key] ?? null])));
}

const isInit = (name: string): boolean => name === 'istio-init' || name === 'istio-validation';
const isProxy = (name: string): boolean => name === 'istio-proxy';
const isInjected = (name: string): boolean => injected.has(name);
const known = ['args', 'command', 'ports', 'lifecycle', 'startupProbe', 'readinessProbe', 'livenessProbe'];
const elsewhere = new Set([...known, 'env', 'volumeMounts', 'resources', 'securityContext', 'name', 'restartPolicy']);

/** All dimensions but D12, a refusal, of which there is nothing to compare but its message. */
const dimensions: Readonly<Record<string, (one: Compared) => Json>> = {
  'D1 decision': ({ pod }) =>
    objectMember(objectMember(pod, 'metadata'), 'annotations')?.['sidecar.istio.io/status'] !== undefined,
  'D2 containers': ({ pod }) =>
    containersOf(pod).map(({ list, container }) => [
      list,
      container['name'] ?? null,
      container['restartPolicy'] ?? null,
    ]),
  'D3 iptables arguments': ({ pod }) => picked(named(pod, isInit), ['args']),
  'D4 proxy process': ({ pod }) =>
    named(pod, isProxy).map((container) =>
      Object.fromEntries(
        Object.entries(container)
          .filter(([key]) => known.includes(key) || !elsewhere.has(key))
          .map(([key, value]) => [key, value ?? null]),
      ),
    ),
  'D5 security': ({ pod }) => [
    picked(named(pod, isInjected), ['securityContext']),
    objectMember(objectMember(pod, 'spec'), 'securityContext') ?? null,
  ],
  'D6 resources': ({ pod }) => picked(named(pod, isInjected), ['resources']),
  'D7 environment': ({ pod }) => picked(named(pod, isInjected), ['env']),
  'D8 volumes': ({ pod }) => [
    objectMember(pod, 'spec')?.['volumes'] ?? null,
    picked(named(pod, isInjected), ['volumeMounts']),
  ],
  'D9 application': ({ pod }) => named(pod, (name) => !isInjected(name)),
  'D10 metadata': ({ pod }) => objectMember(pod, 'metadata') ?? null,
  'D11 everything else': ({ object, pod }) => [
    object,
    Object.fromEntries(
      Object.entries(objectMember(pod, 'spec') ?? {})
        .filter(([key]) => !['containers', 'initContainers', 'volumes', 'securityContext'].includes(key))
        .map(([key, value]) => [key, value ?? null]),
    ),
    picked(named(pod, isInit), ['image', 'imagePullPolicy']),
  ],
};

export interface Difference {
  readonly dimension: string;
  readonly ours: Json;
  readonly istio: Json;
}

/** Every dimension in which two streams differ. */
export function differences(ours: readonly Compared[], istio: readonly Compared[]): Difference[] {
  return Object.entries(dimensions).flatMap(([dimension, view]): Difference[] => {
    const [left, right] = [ours.map(view), istio.map(view)];
    return isDeepStrictEqual(left, right) ? [] : [{ dimension, ours: left, istio: right }];
  });
}

/** Names of the dimensions that are compared, for the score. */
export const comparedDimensions: readonly string[] = Object.keys(dimensions);
