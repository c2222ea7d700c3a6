import type { Rules } from '../rules/rule-kinds.ts';
import type { Pod } from '../world/pod.ts';
import type { View } from './view.ts';

/** Returns the labels of clients that rules ask for. */
export function askedLabels({ VirtualService }: Rules): ReadonlySet<string> {
  return new Set(
    [...VirtualService.values()].flatMap(({ spec }) =>
      (spec?.http ?? []).flatMap(({ match = [] }) =>
        match.flatMap(({ sourceLabels = {} }) => Object.keys(sourceLabels)),
      ),
    ),
  );
}

/** Returns the view of a pod: its namespace, and of its labels those that rules ask for. */
export function viewOf({ namespace, labels }: Pick<Pod, 'namespace' | 'labels'>, asked: ReadonlySet<string>): View {
  return { namespace, labels: Object.fromEntries(Object.entries(labels).filter(([name]) => asked.has(name))) };
}
