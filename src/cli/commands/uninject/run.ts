import { undo } from '../../../index.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';
import { readInput } from '../../manifests/input.ts';
import { report, type Io } from '../../io.ts';
import { writeRewriting } from '../../manifests/output.ts';
import { rewriteInput, type RewriteDecision } from '../../manifests/rewriting.ts';
import type { Workload } from '../../manifests/workload.ts';
import type { UninjectOptions } from './options.ts';

function decideRewrite(workload: Workload): RewriteDecision {
  const undone = undo(workload.pod.value);
  if (undone === undefined) {
    const reason = 'passed through: was not injected by sidecar-injector';
    return { outcome: 'keep', did: 'not injected', reason, warnings: [] };
  }
  if (undone.problems.length > 0) {
    const found = undone.problems.join('; ');
    return {
      outcome: 'deny',
      problems: [
        `${statusAnnotation} would give back what no injection has taken: ${found}; take it out of the annotation`,
      ],
    };
  }
  if (undone.leftovers.length > 0) return { outcome: 'deny', problems: undone.leftovers };
  const notes = undone.restored.map((part) => `put back from ${statusAnnotation}: ${part}`);
  return { outcome: 'change', steps: [undone.operations], did: 'uninjected', warnings: [], notes };
}

/** Runs `uninject` and returns the exit code. */
export async function runUninject(options: UninjectOptions, io: Io): Promise<number> {
  const input = await readInput(options, io);
  if ('problems' in input) return report(input, io);
  return writeRewriting(
    rewriteInput(input, ['uninjected', 'not injected'], decideRewrite),
    options.output,
    options,
    io,
  );
}
