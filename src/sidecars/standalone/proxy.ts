import type { CaptureIntent } from '../../capture/intent.ts';
import { names, ports } from '../../settings/constants.ts';
import type { Effective } from '../../settings/effective.ts';
import type { Fragment, PlacedContainer } from '../fragment.ts';
import { captureIntent } from './capture-intent.ts';
import { initContainer } from './init-container.ts';
import { proxyContainer } from './proxy-container.ts';
import type { ProxyInput } from './proxy-input.ts';

export interface ProxyFragment extends Fragment {
  readonly capture: CaptureIntent | undefined;
}

const volumes = [
  { name: names.logsVolume, emptyDir: {} },
  {
    name: names.podInfoVolume,
    downwardAPI: {
      items: [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
      ],
    },
  },
  { name: names.tokenMaskVolume, emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } },
] as const;

/** Every port that the proxy takes, whether its container declares it or not. */
export function proxyPorts(effective: Effective): number[] {
  const { statusPort } = effective.proxy;
  return [
    ports.admin,
    ports.outbound,
    ports.inbound,
    ports.health,
    ports.metrics,
    ...(statusPort === 0 ? [] : [statusPort]),
  ];
}

/** The built-in sidecar, reserved name `sidecar`: Envoy, the capture init container and the volumes they need. */
export function proxyFragment(input: ProxyInput): ProxyFragment {
  const { effective, native } = input;
  const capture = captureIntent(effective, input.identity, input.probePorts);
  const containers: PlacedContainer[] = [];
  if (capture !== undefined) {
    containers.push({
      container: initContainer(effective, capture),
      placement: { list: 'initContainers', at: native ? 'first' : 'last' },
    });
  }
  containers.push({
    container: proxyContainer(input),
    placement: native
      ? { list: 'initContainers', at: 'first' }
      : { list: 'containers', at: effective.proxy.holdApplication ? 'first' : 'last' },
  });
  return {
    source: 'sidecar',
    containers,
    volumes,
    labels: {},
    annotations: {},
    imagePullSecrets: effective.proxy.imagePullSecrets,
    listens: proxyPorts(effective),
    capture,
  };
}
