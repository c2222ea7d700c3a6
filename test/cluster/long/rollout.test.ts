import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { caBackdateMs, createAuthority } from '../../../src/certs/authority.ts';
import { dayMs, minuteMs, secondMs } from '../../../src/certs/durations.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { authoritySecret } from '../../support/builders/authority-secret.ts';
import { createClusterNamespace, readyCount, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { startLoad } from '../../support/http/load.ts';
import { createPodsDuring } from '../../support/cluster/pod-stream.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { until } from '../../support/waiting.ts';
import { leavingTemplate, servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(240_000);

describe('while pods are created all the time', () => {
  let namespace: ClusterNamespace;
  beforeAll(async () => {
    namespace = await createClusterNamespace(injected);
  });
  afterAll(() => namespace.remove());

  test('our own rollout refuses none and leaves none without a proxy', async () => {
    const creations = await createPodsDuring(namespace.name, async () => {
      await system.kubectl('rollout', 'restart', 'deployment/sidecar-injector');
      // The old replicas serve on while they drain.
      await system.untilSettled();
    });
    report('rollout of the injector', creations);
    expect([creations.refused, creations.bare]).toEqual([{}, 0]);
    expect(creations.created).toBeGreaterThan(100);
  });

  test('a rotation of the CA refuses none, from the first step to the last', async () => {
    // Due for rotation in a minute or so, when half of its life is over.
    const lifetimeMs = caBackdateMs + 150 * secondMs;
    await authoritySecret.replace(await createAuthority({ now: new Date(), lifetimeMs }));
    const { generation: before } = await authoritySecret.read();
    const creations = await createPodsDuring(namespace.name, async () => {
      await authoritySecret.untilPhase('overlap');
      // Only the waits are cut short, by dating each phase back; all else the replicas do by themselves.
      await authoritySecret.datePhaseBack(15 * minuteMs);
      await authoritySecret.untilPhase('retiring');
      await authoritySecret.untilServingLongLived();
      expect(new Set(await authoritySecret.countTrusted())).toEqual(new Set([2]));
      await authoritySecret.datePhaseBack(8 * dayMs);
      await authoritySecret.untilPhase('stable');
      await until(
        'the old CA is trusted no more',
        async () => (await authoritySecret.countTrusted()).every((count) => count === 1) || undefined,
        90_000,
      );
    });
    report('rotation of the CA', creations);
    expect([creations.refused, creations.bare]).toEqual([{}, 0]);
    expect((await authoritySecret.read())['generation']).toBe(String(Number(before ?? 1) + 1));
  });

  test('replicas that come and go, from two to five and to one, refuse none', async () => {
    const scaleTo = async (replicas: number): Promise<void> => {
      await system.kubectl('scale', 'deployment/sidecar-injector', `--replicas=${replicas}`);
      await system.untilReplicas(replicas);
    };
    const creations = await createPodsDuring(namespace.name, async () => {
      for (const replicas of [5, 1, 5, 2]) await scaleTo(replicas);
      await system.untilSettled();
    });
    report('two, five, one, five and two replicas', creations);
    expect([creations.refused, creations.bare]).toEqual([{}, 0]);
    expect(creations.created).toBeGreaterThan(50);
  });

  test('a drain of the node waits for a second replica, and refuses none', async () => {
    const creations = await createPodsDuring(namespace.name, async () => {
      const drain = system.tryKubectl(
        'drain',
        'node1',
        '--pod-selector=app=sidecar-injector',
        '--timeout=60s',
        '--grace-period=15',
      );
      await system.untilReplicas(1);
      // Nowhere to go: the budget keeps the last one until the node takes pods again.
      await system.kubectl('uncordon', 'node1');
      const { code, stdout, stderr } = await drain;
      expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
      await system.kubectl('uncordon', 'node1');
      await system.untilSettled();
    });
    report('drain of the node', creations);
    expect([creations.refused, creations.bare]).toEqual([{}, 0]);
  });
});

describe('an application changes over under load', () => {
  const roll = async (template: JsonObject) => {
    const namespace = await createClusterNamespace();
    await namespace.apply(...servingObjects('web', template, 2));
    await namespace.rollOut('deployment/web');
    const load = await startLoad(namespace, { url: `http://web.${namespace.name}/` });
    await namespace.kubectl('label', 'namespace', namespace.name, 'istio-injection=enabled');
    const changes = ['to the proxy', 'back'];
    const counts: string[][] = [];
    for (const change of changes) {
      if (change === 'back') await namespace.kubectl('label', 'namespace', namespace.name, 'istio-injection-');
      await namespace.kubectl('rollout', 'restart', 'deployment/web');
      await namespace.rollOut('deployment/web');
      counts.push((await namespace.pods('app=web')).map(readyCount));
    }
    const figures = await load.stop();
    await namespace.remove();
    expect(counts).toEqual([
      ['2/2', '2/2'],
      ['1/1', '1/1'],
    ]);
    expect(Object.values(figures.outcomes).reduce((sum, count) => sum + count, 0)).toBe(figures.sent);
    return figures;
  };

  test('no request fails when the application waits, and then closes its connections before it ends', async () => {
    const figures = await roll(leavingTemplate('web'));
    report('change-over with an application that waits 5 s', figures);
    expect(Object.keys(figures.outcomes)).toEqual(['200']);
  });

  test('without the wait some may, with and without a sidecar; the figure is shown', async () => {
    const figures = await roll(servingTemplate('web'));
    report('change-over with an application that ends at once', figures);
    expect(figures.outcomes['200']).toBeGreaterThan(figures.sent * 0.9);
  });
});
