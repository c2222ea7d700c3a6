import type { PodContainer } from '../../pod/containers.ts';
import { names } from '../../pod/conventions.ts';
import { rankOf, type Fragment, type Placement } from '../../sidecars/fragment.ts';
import { builtInSidecar } from '../../sidecars/template-library.ts';
import { placeOfProxy } from '../../sidecars/standalone/proxy.ts';

/** Names of the containers that the kubelet starts before the proxy. */
export type StartedBefore = ReadonlySet<string>;

/** Position in the start order of a pod, compared part by part: list, side of the pod's own containers, rank, fragment. */
type Position = readonly [number, number, number, number];

function positionOf({ list, at, proxy }: Placement, fragment: number): Position {
  return [list === 'initContainers' ? 0 : 1, at === 'first' ? 0 : 2, rankOf({ proxy }), fragment];
}

function isBefore(one: Position, other: Position): boolean {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}

/** What decides about the start order of a pod that is about to be injected. */
interface Order {
  /** The pod's own containers. */
  readonly application: readonly PodContainer[];
  /** Sidecars in the order of selection, the built-in one among them. */
  readonly selected: Iterable<string>;
  readonly declared: ReadonlyMap<string, Fragment>;
  readonly native: boolean;
  readonly holdApplication: boolean;
}

/** Returns the containers that start before the proxy in a pod that is about to be injected. */
export function startedBeforeProxy(order: Order): StartedBefore {
  const selected = [...order.selected];
  const proxy = positionOf(placeOfProxy(order.native, order.holdApplication), selected.indexOf(builtInSidecar));
  const own = order.application.filter(({ list }) => isBefore([list === 'initContainers' ? 0 : 1, 1, 1, 0], proxy));
  const injected = selected.flatMap((name, index) =>
    (order.declared.get(name)?.containers ?? []).filter(({ placement }) =>
      isBefore(positionOf(placement, index), proxy),
    ),
  );
  return new Set([...own, ...injected.map(({ container }) => container)].map(({ name }) => name));
}

/** Returns the containers of an injected pod that stand before its proxy, init containers first. */
export function standingBeforeProxy(containers: readonly PodContainer[]): StartedBefore {
  const at = containers.findIndex(({ name }) => name === names.proxyContainer);
  return new Set(containers.slice(0, Math.max(at, 0)).map(({ name }) => name));
}
