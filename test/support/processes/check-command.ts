import { execFile } from 'node:child_process';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';

/** One result of `sidecar-injector check -o json`. */
export interface CheckResult {
  readonly id: string;
  readonly status: 'good' | 'warning' | 'failed' | 'unknown' | 'skipped';
  readonly found: readonly string[];
  readonly hint?: string;
}

/** The results by id, and how the command ended. */
export interface CheckRun {
  readonly results: ReadonlyMap<string, CheckResult>;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sidecar-injector check` against the cluster of a kubeconfig, as a user does. */
export async function runCheck(kubeconfig: string, ...more: readonly string[]): Promise<CheckRun> {
  const program = path.join(root, 'bin/sidecar-injector.mjs');
  const args = [program, 'check', '-o', 'json', '--kubeconfig', kubeconfig, ...more];
  const { promise, resolve } = Promise.withResolvers<Omit<CheckRun, 'results'>>();
  execFile(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    const code = typeof error?.code === 'number' ? error.code : 0;
    resolve({ code, stdout, stderr });
  });
  const ended = await promise;
  const list = (ended.stdout === '' ? [] : JSON.parse(ended.stdout)) as CheckResult[];
  return { ...ended, results: new Map(list.map((one) => [one.id, one])) };
}
