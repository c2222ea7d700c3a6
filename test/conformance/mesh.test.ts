import { beforeAll, expect, jest, test } from '@jest/globals';
import { injected } from '../support/processes/test-cluster.ts';
import { createClusterNamespace } from '../support/cluster/cluster-namespace.ts';
import { conformanceTests, runConformance, type ConformanceRun } from '../support/cluster/conformance.ts';
import { idlePod } from '../support/cluster/workbench.ts';
import { until } from '../support/waiting.ts';

/*
 * Gateway API's own conformance tests of a mesh, in its profiles MESH-HTTP and MESH-GRPC with all features that the profiles know, run by
 * its own program: nothing here decides on what is right.
 */

jest.setTimeout(900_000);

const only = process.env['CONFORMANCE_TEST'] === '' ? undefined : process.env['CONFORMANCE_TEST'];
const wanted = only === undefined ? conformanceTests : conformanceTests.filter((name) => name === only);

let run: ConformanceRun;

beforeAll(async () => {
  const namespace = await createClusterNamespace(injected);
  try {
    // Controllers wait ever longer with their next try, once pods were denied.
    const isLetIn = async (): Promise<true | undefined> => {
      try {
        await namespace.apply(idlePod('first'));
        return true;
      } catch (error) {
        if (!String(error).includes('MeshNotReady')) throw error;
        return undefined;
      }
    };
    await until('pods are let into the mesh', isLetIn, 150_000);
    await namespace.untilPod('first');
  } finally {
    await namespace.remove();
  }
  run = await runConformance(only);
});

test.each(wanted)('%s', (name) => {
  const { outcome, log } = run.results.get(name) ?? { outcome: 'not run', log: run.log.slice(-3000) };
  expect(outcome === 'PASS' ? 'PASS' : `${outcome}\n${log.slice(-3000)}`).toBe('PASS');
});

test('there are no other tests of a mesh', () => {
  const names = [...run.results].flatMap(([name, { outcome }]) => (outcome === 'SKIP' ? [] : [name]));
  expect(names.toSorted()).toEqual([...wanted].toSorted());
});
