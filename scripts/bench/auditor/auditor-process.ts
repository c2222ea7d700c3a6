import path from 'node:path';
import { askMetrics } from '../../../test/support/http/metrics-client.ts';
import { startProgram } from '../../../test/support/processes/background-program.ts';
import { until } from '../../../test/support/waiting.ts';
import { processMemory, processorTime } from '../dataplane/process-cost.ts';
import { fromImage } from '../server-process.ts';

/** An auditor in a process of its own. */
export interface AuditorProcess {
  /** Milliseconds from its start until all pods had been looked at. */
  readonly lookedMs: number;
  /** Processor time so far, milliseconds. */
  cpuMs(): number;
  /** The most memory that it ever had, bytes. */
  peakBytes(): number;
  /** Pods with a finding, at all owners or at those of a namespace. */
  found(finding: string, namespace?: string): Promise<number>;
  stop(): Promise<void>;
}

const patienceMs = 600_000;

interface LogLine {
  readonly msg: string;
  readonly time: string | number;
  readonly metrics?: number;
}

/** Starts the bundle as the image does, with the shipped rights, and waits until it has looked at all pods. */
export async function startAuditor(kubeconfig: string, settings: string, folder: string): Promise<AuditorProcess> {
  const { nodeOptions, program, environment } = await fromImage();
  const logFile = path.join(folder, 'auditor.log');
  const addresses = ['--metrics-listen=127.0.0.1:0', '--health-listen=127.0.0.1:0'];
  const startMs = Date.now();
  const started = startProgram(
    'the auditor',
    [
      process.execPath,
      ...nodeOptions,
      program,
      'audit',
      ...addresses,
      `--kubeconfig=${kubeconfig}`,
      `--settings=${settings}`,
    ],
    { logFile, env: { ...process.env, ...environment } },
  );

  const untilSaid = (msg: string): Promise<LogLine> =>
    until(
      `the auditor to say "${msg}"`,
      async () => {
        const log = await started.readLog();
        if (!started.isRunning()) throw new Error(`the auditor has ended:\n${log.slice(-4_000)}`);
        const line = log.split('\n').find((text) => text.includes(`"${msg}"`));
        return line === undefined ? undefined : (JSON.parse(line) as LogLine);
      },
      patienceMs,
    );

  const { metrics: port = 0 } = await untilSaid('listening');
  const { time } = await untilSaid('all pods have been looked at');
  const pid = started.pid ?? 0;
  return {
    lookedMs: new Date(time).getTime() - startMs,
    cpuMs: () => Number(processorTime(pid)) / 1e6,
    peakBytes: () => processMemory(pid).peak,
    async found(finding, namespace) {
      const { text } = await askMetrics(port, '/metrics');
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith(`sidecar_injector_audit_pods{finding="${finding}"`))
        .filter((line) => namespace === undefined || line.includes(`owner_namespace="${namespace}"`));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async stop() {
      await started.stop('SIGTERM');
    },
  };
}
