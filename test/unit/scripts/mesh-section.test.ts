import { expect, test } from '@jest/globals';
import { figuresOf, type Cost, type MeshRun } from '../../../scripts/bench/mesh/figures.ts';
import { writeMeshSection } from '../../../scripts/bench/mesh/section.ts';

const cost = (lastMs: number): Cost => ({ lastMs, cpuMs: lastMs, bytes: lastMs * 1_024 });

function run(routesMs: readonly number[], roots: readonly Cost[]): MeshRun {
  return {
    sync: cost(100),
    changes: {
      endpoints: [cost(10)],
      routes: routesMs.map(cost),
      added: [cost(10)],
      removed: [cost(10)],
      roots,
    },
    bytesByKind: { cluster: 0, endpoints: 0, listener: 0, routes: 0, secret: 0 },
    memory: { ready: 2 ** 20, synced: 2 ** 20, settled: 2 ** 20 },
    clientCpuMs: 1,
  };
}

function summary(own: readonly MeshRun[], other: readonly MeshRun[] | string): string {
  return writeMeshSection({
    comparisons: [
      {
        effort: { services: 10, proxies: 10, changes: 2, rounds: 2, settleMs: 0 },
        ours: figuresOf(own),
        reference: typeof other === 'string' ? other : figuresOf(other),
      },
    ],
    machine: { processor: 'of the test', cores: 2, date: '2026-01-01', load: 0 },
  }).summary;
}

test('changes of all rounds count together', () => {
  const text = summary([run([1, 2], []), run([3], [])], [run([20, 30], []), run([40], [])]);
  expect(text).toMatch(/^VirtualService changed: last ACK, ms +2 \(1 to 3\) +30 \(20 to 40\) +0\.067$/m);
  expect(text).toMatch(/^VirtualService changed: last ACK after at most 1\/10, 10 proxies +× 0\.067 +met$/m);
  expect(text).toMatch(/^VirtualService changed: at most 1\/100 of the bytes, 10 proxies +× 0\.067 +NOT MET$/m);
});

test('what only one of them does has no figure of the other one', () => {
  const text = summary([run([1], [cost(7)])], [run([20], [])]);
  expect(text).toMatch(/^root replaced: last ACK, ms +7 +- +-$/m);
});

test('without the other one nothing is compared', () => {
  const text = summary([run([1], [cost(7)])], 'Go');
  expect(text).toMatch(/^VirtualService changed: last ACK, ms +1 +not run +-$/m);
  expect(text).toMatch(/^VirtualService changed: last ACK after at most 1\/10, 10 proxies +- +not run$/m);
});
