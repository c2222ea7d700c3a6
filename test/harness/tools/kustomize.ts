import { openCache } from './cache.ts';
import { run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

/** The oldest kustomize that deploy/ is written for, the one inside kubectl 1.27. */
const oldest = 'sigs.k8s.io/kustomize/kustomize/v5@v5.0.1';

/** Finds the oldest supported kustomize: in the cache, or else built with Go, which takes a minute. */
export async function prepareKustomize(): Promise<Tool> {
  const cache = openCache('kustomize', [oldest]);
  const ready: Tool = { state: 'ready', env: { OLD_KUSTOMIZE_BIN: cache.path('kustomize') } };
  if (cache.has('kustomize')) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go to build kustomize' };
  const startMs = Date.now();
  try {
    await cache.add(['kustomize'], async (folder) => {
      const env = { CGO_ENABLED: '0', GOBIN: folder, GOFLAGS: '' };
      if ((await run(['go', 'install', '-trimpath', '-ldflags', '-s -w', oldest], { env })) !== 0) {
        throw new Error(`go install ${oldest} failed`);
      }
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`kustomize ready after ${seconds(startMs)}`);
  return ready;
}
