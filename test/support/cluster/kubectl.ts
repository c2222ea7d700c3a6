import { spawn } from 'node:child_process';
import { findProgram } from '../../harness/tools/kubernetes.ts';

/** How a call of kubectl ended. */
export interface KubectlAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl; `input` goes to its standard input. */
export function runKubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<KubectlAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(findProgram('kubectl', process.env), [`--kubeconfig=${kubeconfig}`, ...args]);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Runs kubectl and throws what it said when it fails; answers its standard output. */
export async function kubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runKubectl(kubeconfig, args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}
