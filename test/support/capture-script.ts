import type { CaptureIntent } from '../../src/capture/intent.ts';
import { renderIptables } from '../../src/capture/iptables.ts';
import type { PodNamespace } from './pod-namespace.ts';

/** Entry point of the init image. */
export const captureScript = new URL('../../deploy/images/capture.sh', import.meta.url).pathname;

/** Environment of the init container. */
export function captureEnvironment(intent: CaptureIntent): Record<string, string> {
  const rules = intent.families.map((family) => [
    `CAPTURE_RULES_${family.toUpperCase()}`,
    renderIptables(intent, family),
  ]);
  return Object.fromEntries([...rules, ['CAPTURE_SOURCE_V6', intent.loopbackSource.v6]]);
}

/** Does what the init container does, in the pod. */
export function captureTraffic(pod: PodNamespace, intent: CaptureIntent): void {
  const result = pod.run('pod', [captureScript], { env: captureEnvironment(intent) });
  if (result.status !== 0) throw new Error(`capture.sh has failed: ${result.stderr}`);
}
