import { setImmediate as afterAnswers } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { watchOwnAuthority } from '../../../src/runtime/mesh-authorities.ts';
import { createLog } from '../../../src/telemetry/log.ts';

/** Authorities whose objects a test changes, and what is logged of them minute by minute. */
function watched() {
  const cluster = { problems: [] as string[], roots: 'same' as 'same' | 'written' | Error };
  const lines: string[] = [];
  let published = 0;
  let counted = 0;
  let announced = 0;
  const ticks: (() => void)[] = [];
  watchOwnAuthority(
    {
      problems: () => Promise.resolve(cluster.problems),
      announceEnd: () => Promise.resolve(void (announced += 1)),
      publish() {
        published += 1;
        return cluster.roots instanceof Error ? Promise.reject(cluster.roots) : Promise.resolve(cluster.roots);
      },
    },
    createLog('info', { write: (line) => void lines.push(line) }),
    (problems) => void (counted = problems),
    (milliseconds, action) => {
      expect(milliseconds).toBe(60_000);
      ticks.push(action);
      return () => undefined;
    },
  );
  return {
    cluster,
    published: () => published,
    counted: () => counted,
    announced: () => announced,
    /** Returns what is logged in a minute. */
    minute: async (): Promise<string> => {
      lines.length = 0;
      for (const tick of ticks) tick();
      await afterAnswers();
      return lines.join('');
    },
  };
}

test('nothing is said while all is as it was, and what was edited is put back', async () => {
  const { cluster, minute, announced } = watched();
  expect(await minute()).toBe('');
  expect(announced()).toBe(1);
  cluster.roots = 'written';
  expect(await minute()).toContain('the published root certificates were changed, and are put back');
});

test('what is wrong is said once, and again when something else is', async () => {
  const { cluster, minute, counted } = watched();
  cluster.roots = new Error('the ConfigMap is gone');
  expect(await minute()).toContain('"problems":["the ConfigMap is gone"]');
  expect(counted()).toBe(1);
  expect(await minute()).toBe('');
  cluster.problems = ['the Secret is gone'];
  expect(await minute()).toContain('"problems":["the Secret is gone"]');
  Object.assign(cluster, { problems: [], roots: 'same' });
  expect(await minute()).toBe('');
  expect(counted()).toBe(0);
  cluster.problems = ['the Secret is gone'];
  expect(await minute()).toContain('the Secret is gone');
});

test('a replica with another authority than the Secret does not publish its own', async () => {
  const { cluster, minute, published } = watched();
  cluster.problems = ['the Secret holds another authority'];
  await minute();
  expect(published()).toBe(0);
});
