import type { CalledService } from './routes.ts';

function endpoints(from: number, ...versions: readonly string[]): CalledService['endpoints'] {
  return versions.map((version, index) => ({ address: `10.1.0.${from + index}`, labels: { version } }));
}

/** `audit` gets copies of requests only. */
export const services: readonly CalledService[] = [
  {
    name: 'reviews',
    namespace: 'shop',
    address: '10.96.0.5',
    ports: [80, 81],
    endpoints: endpoints(1, 'v1', 'v1', 'v2', 'v2'),
  },
  { name: 'ratings', namespace: 'shop', address: '10.96.0.6', ports: [80], endpoints: endpoints(11, 'v1', 'v2') },
  { name: 'audit', namespace: 'shop', address: '10.96.0.7', ports: [80], endpoints: endpoints(21, 'v1') },
];
