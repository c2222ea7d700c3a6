import type { Dashboard } from '../../../scripts/manifests/monitoring/dashboard.ts';

/** The queries of a dashboard as Grafana would send them, with every choice at All: title of the panel, expression, legend. */
export function queriesOf({ rows }: Dashboard): readonly (readonly [string, string, string])[] {
  return rows.flatMap(([, panels]) =>
    panels.flatMap(({ title, queries }) =>
      queries.map(
        ([expression, legend]) =>
          [
            title,
            expression.replaceAll('$__rate_interval', '30s').replaceAll(/\$(?:namespace|workload)/g, '.*'),
            legend,
          ] as const,
      ),
    ),
  );
}
