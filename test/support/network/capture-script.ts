import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { captureEnvironment as environmentOf } from '../../../src/sidecars/standalone/init-container.ts';
import type { PodNamespace } from './pod-namespace.ts';

/** Entry point of the init image. */
export const captureScript = new URL('../../../deploy/images/capture.sh', import.meta.url).pathname;

type Backend = 'iptables' | 'nftables';

/** Environment of the init container. */
export function captureEnvironment(intent: CaptureIntent, backend: Backend = 'iptables'): Record<string, string> {
  const variables = environmentOf({ backend, verify: true }, intent);
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}

/** Does what the init container does, in the pod. */
export function captureTraffic(pod: PodNamespace, intent: CaptureIntent, backend?: Backend): void {
  const result = pod.run('pod', [captureScript], { env: captureEnvironment(intent, backend) });
  if (result.status !== 0) throw new Error(`capture.sh has failed: ${result.stderr}`);
}
