import { root } from '../../../scripts/checkout.ts';
import { run, type Command } from '../tools/command.ts';
import type { Environment, Outcome } from './tier.ts';

const checks: readonly (readonly [name: string, command: Command])[] = [
  ['types', ['tsc', '--noEmit']],
  ["the page's types", ['tsc', '--project', 'src/playground/page']],
  ['lint', ['oxlint', '--type-aware']],
  ['Dockerfile', ['dockerfile-utils', 'lint', 'Dockerfile']],
  ["the scenarios' Dockerfile", ['dockerfile-utils', 'lint', 'test/cluster/workbench/Dockerfile']],
  ['format', ['prettier', '--check', '--log-level', 'warn', '.']],
];

/** Runs compiler, linters and formatter over the whole checkout; each counts as one test. */
export async function runChecks(_tier: string, { env }: Environment): Promise<Outcome> {
  const failed: string[] = [];
  for (const [name, command] of checks) {
    process.stdout.write(`$ ${command.join(' ')}\n`);
    if ((await run(command, { cwd: root, env })) !== 0) failed.push(name);
  }
  return {
    passed: checks.length - failed.length,
    failed: failed.length,
    ...(failed.length > 0 && { failures: failed }),
  };
}
