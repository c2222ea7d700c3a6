import type { HealthCheck } from '../server/health.ts';

function describeServed(served: ReadonlyMap<string, string | undefined>): string {
  if (served.size === 0) return 'it is not known yet which kinds of traffic rules the API server has';
  const watched = [...served].flatMap(([kind, path]) =>
    path === undefined ? [] : [`${kind} (${path.split('/')[3]})`],
  );
  const absent = [...served].flatMap(([kind, path]) => (path === undefined ? [kind] : []));
  return [
    watched.length === 0 ? 'no kind of traffic rules is watched' : `watched: ${watched.join(', ')}`,
    ...(absent.length === 0 ? [] : [`not served: ${absent.join(', ')}`]),
  ].join('; ');
}

function describeFreshness(stale: ReadonlyMap<string, number>): string {
  if (stale.size === 0) return 'the API server tells of changes';
  const kinds = [...stale].map(([kind, age]) => `${kind} for ${Math.round(age / 1_000)} s`);
  return `stale: nothing was heard from the API server about: ${kinds.join(', ')}`;
}

/**
 * Returns what a control plane says of the data that it serves.
 *
 * @param served paths under which kinds of rules are watched; undefined for one that the API server does not have
 * @param stale kinds of which nothing was heard for so many milliseconds
 */
export function describeCluster(
  isSynced: boolean,
  served: ReadonlyMap<string, string | undefined>,
  stale: ReadonlyMap<string, number>,
): readonly HealthCheck[] {
  return [
    {
      name: 'cluster',
      ready: isSynced,
      reason: isSynced ? 'Services, endpoints and pods are known' : 'Services, endpoints and pods are being listed',
    },
    // Without the definitions of rules there are none.
    { name: 'rules', ready: true, reason: describeServed(served) },
    // A replica with old data is better than none, so this never makes it unready.
    { name: 'freshness', ready: true, reason: describeFreshness(stale) },
  ];
}
