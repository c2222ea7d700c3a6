import type { Fragment, PlacedContainer } from '../../sidecars/fragment.ts';
import { withRewrittenHandler } from '../../pod/handler.ts';
import type { PodContainer } from '../../pod/containers.ts';
import type { ProbeEdit } from './probes.ts';

/** Index of a container that is not in the pod yet. */
const nowhere = -1;

/** Returns the containers of declared sidecars. The proxy answers their probes as it does those of the pod's own. */
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

/** Returns whether the edit concerns a container that is not in the pod yet. */
export function isInjected(edit: ProbeEdit): boolean {
  return edit.at.index === nowhere;
}

/** Returns the fragment with its probes rewritten to the status port. */
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
