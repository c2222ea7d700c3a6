import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  createClusterNamespace,
  readyCount,
  type ClusterNamespace,
  type ContainerStatus,
  type RunningPod,
} from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { nodeControl } from '../../support/cluster/node-control.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';
import { servingTemplate } from '../../support/cluster/workbench.ts';
import { startWatch, type Passage } from '../../support/network/passage.ts';

jest.setTimeout(150_000);

const control = nodeControl();
const onOurNode = control === undefined ? describe.skip : describe;
let inside: ClusterNamespace;
let outside: ClusterNamespace;

beforeAll(async () => {
  [inside, outside] = await Promise.all([createClusterNamespace(injected), createClusterNamespace()]);
  await outside.apply(serving('outside'));
  await outside.untilPod('outside');
});
afterAll(() => Promise.all([inside.remove(), outside.remove()]));

function serving(name: string, annotations: object = {}, spec: object = {}): object {
  const template = servingTemplate(name) as { metadata: object; spec: object };
  const metadata = { ...template.metadata, name, annotations };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...template.spec, ...spec } };
}

function statusOf({ status }: RunningPod, container: string): ContainerStatus {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const found = all.find(({ name }) => name === container);
  if (found === undefined) throw new Error(`no status of ${container}`);
  return found;
}

onOurNode('Envoy is killed from outside', () => {
  test.each([
    ['native-killed', {}, {}, 'SIGKILL'],
    ['classic-killed', { 'sidecar.istio.io/nativeSidecar': 'false' }, {}, 'SIGKILL'],
    // Process 1 of a PID namespace would survive the signal that its own handler raises again.
    ['native-memory-violation', {}, { shareProcessNamespace: true }, 'SIGSEGV'],
  ] as const)(
    '%s: it alone is restarted; nothing passes by it, and then all is as before',
    async (name, annotations, spec, signal) => {
      await inside.apply(serving(name, annotations, spec));
      const before = await inside.untilPod(name);
      const target = `http://${before.status.podIP}:8080/`;
      const other = `http://${(await outside.untilPod('outside')).status.podIP}:8080/`;
      const watches = {
        outbound: await startWatch(inside, `${name}/app`, other),
        inbound: await startWatch(outside, 'outside/app', target),
      };
      await control?.signal(statusOf(before, 'istio-proxy'), signal);
      const after = await until(
        'the proxy is restarted and ready',
        async () => {
          const pod = await inside.untilPod(name);
          return statusOf(pod, 'istio-proxy').restartCount > 0 ? pod : undefined;
        },
        60_000,
      );
      const passages: Record<string, Passage> = {};
      for (const [direction, watch] of Object.entries(watches)) passages[direction] = await watch.stop();
      for (const [direction, passage] of Object.entries(passages)) report(`crash, ${name}, ${direction}`, passage);
      expect(readyCount(after)).toBe('2/2');
      expect(statusOf(after, 'app').restartCount).toBe(0);
      expect(statusOf(after, 'istio-proxy').restartCount).toBe(1);
      for (const { throughProxy, past, failed, last } of Object.values(passages)) {
        expect(past).toBe(0);
        expect(Math.min(throughProxy, failed)).toBeGreaterThan(0);
        expect(last).toBe('throughProxy');
      }
    },
  );
});
