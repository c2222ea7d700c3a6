import type { Examples } from './example.ts';

const quantity = 'a Kubernetes quantity such as 100m or 128Mi';

export const resources: Examples = {
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
