import type { Fragment, PlacedContainer } from '../../sidecars/fragment.ts';
import { withRewrittenHandler } from '../../pod/handler.ts';
import type { PodContainer } from '../../pod/containers.ts';
import type { ProbeEdit } from './probes.ts';

/** No place in the pod yet. */
const nowhere = -1;

/** The containers of declared sidecars, which the proxy answers probes for as for the pod's own. */
export function injectedContainers(fragments: Iterable<Fragment>): PodContainer[] {
  return [...fragments].flatMap(({ containers }) =>
    containers.map(({ container, placement }) => ({
      list: placement.list,
      index: nowhere,
      name: container.name,
      raw: container,
    })),
  );
}

/** Whether the edit concerns a container that is not in the pod yet. */
export function isInjected(edit: ProbeEdit): boolean {
  return edit.at.index === nowhere;
}

/** The fragment with its probes turned towards the status port. */
export function withRedirects(fragment: Fragment, edits: readonly ProbeEdit[]): Fragment {
  const containers = fragment.containers.map((placed) => {
    const own = edits.filter(({ at }) => at.raw === placed.container);
    if (own.length === 0) return placed;
    return {
      placement: placed.placement,
      container: own.reduce<PlacedContainer['container']>(withRewrittenHandler, placed.container),
    };
  });
  return { ...fragment, containers };
}
