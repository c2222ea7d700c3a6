import type { Example, Examples } from './example.ts';

const quantity = 'a Kubernetes quantity such as 100m or 128Mi';

const names = [
  ['sidecar-injector.io/proxyEphemeralStorage', 'proxy', 'requests', 'ephemeral-storage'],
  ['sidecar-injector.io/proxyEphemeralStorageLimit', 'proxy', 'limits', 'ephemeral-storage'],
  ['sidecar-injector.io/initCPU', 'capture', 'requests', 'cpu'],
  ['sidecar-injector.io/initMemory', 'capture', 'requests', 'memory'],
  ['sidecar-injector.io/initEphemeralStorage', 'capture', 'requests', 'ephemeral-storage'],
  ['sidecar-injector.io/initCPULimit', 'capture', 'limits', 'cpu'],
  ['sidecar-injector.io/initMemoryLimit', 'capture', 'limits', 'memory'],
  ['sidecar-injector.io/initEphemeralStorageLimit', 'capture', 'limits', 'ephemeral-storage'],
] as const;

/** What Istio has no annotation for; each leaves everything else as it is. */
const ours: Examples = Object.fromEntries(
  names.map(([name, container, list, resource]) => [
    name,
    {
      good: '50M',
      effect: (effective) => effective[container].resources[list][resource],
      value: '50M',
      bad: '1 Gi',
      message: `"1 Gi" is not allowed; allowed: ${quantity}`,
    } satisfies Example,
  ]),
);

export const resources: Examples = {
  ...ours,
  'sidecar.istio.io/proxyCPU': {
    good: '200m',
    effect: ({ proxy }) => proxy.resources,
    value: { requests: { cpu: '200m', memory: '128Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    bad: '200 m',
    message: `"200 m" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyMemory': {
    good: '256Mi',
    effect: ({ proxy }) => proxy.resources.requests.memory,
    value: '256Mi',
    bad: '256MB',
    message: `"256MB" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyCPULimit': {
    good: '4',
    effect: ({ proxy }) => proxy.resources.limits,
    value: { cpu: '4', memory: '1Gi' },
    bad: '-4',
    message: `"-4" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyMemoryLimit': {
    good: '2Gi',
    effect: ({ proxy }) => proxy.resources.limits.memory,
    value: '2Gi',
    bad: '2Gi\nprivileged: true',
    message: `"2Gi\\nprivileged: true" is not allowed; allowed: ${quantity}`,
  },
};
