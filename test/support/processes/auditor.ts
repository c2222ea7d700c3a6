import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { defaultEvictionPolicy } from '../../../src/audit/evictions.ts';
import type { Evictable } from '../../../src/audit/finding.ts';
import { defaultNoticePolicy } from '../../../src/audit/notices.ts';
import { audit } from '../../../src/runtime/audit.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { askMetrics } from '../http/metrics-client.ts';
import { startProgram, type BackgroundProgram } from './background-program.ts';
import { until } from '../waiting.ts';

/** An auditor in this process, with times for tests. */
export interface TestAuditor {
  readonly metricsPort: number;
  /** The values of a metric by its labels, as text. */
  values(name: string): Promise<ReadonlyMap<string, number>>;
  log(): string;
  stop(): Promise<void>;
}

function valuesOf(text: string, name: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`sidecar_injector_audit_${name}`));
  return new Map(
    lines.map((line) => {
      const [, labels = '', value = ''] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return [labels, Number(value)];
    }),
  );
}

/** Starts one that acts with the rights of a kubeconfig. */
export async function startAuditor(options: {
  readonly kubeconfig: string;
  readonly evict?: readonly Evictable[];
  readonly evictions?: Partial<typeof defaultEvictionPolicy>;
}): Promise<TestAuditor> {
  const { kubeconfig, evict = [], evictions = {} } = options;
  let lines = '';
  const auditing = await audit(
    {
      metricsListen: { host: '127.0.0.1', port: 0 },
      healthListen: { host: '127.0.0.1', port: 0 },
      settings: path.join(root, 'deploy/base/settings.yaml'),
      sidecars: undefined,
      kubeconfig,
      namespace: 'sidecar-injector-system',
      lease: 'sidecar-injector-auditor',
      evict,
      evictEveryMs: 1_000,
      policy: { notices: defaultNoticePolicy, evictions: { ...defaultEvictionPolicy, ...evictions } },
    },
    createLog('info', { write: (line) => void (lines += line) }),
  );
  return {
    metricsPort: auditing.metricsAddress.port,
    values: async (name) => valuesOf((await askMetrics(auditing.metricsAddress.port, '/metrics')).text, name),
    log: () => lines,
    stop: () => auditing.stop(),
  };
}

/** A replica of the auditor, as a real process. */
export interface AuditorProcess extends BackgroundProgram {
  /** Whether it is the one that looks at pods. */
  leads(): Promise<boolean>;
}

/** Starts `audit`, and waits until it serves metrics. */
export async function startAuditorProcess(kubeconfig: string, logFile: string): Promise<AuditorProcess> {
  const addresses = ['--metrics-listen=127.0.0.1:0', '--health-listen=127.0.0.1:0'];
  const program = process.env['INJECTOR_PROGRAM'] ?? path.join(root, 'bin/sidecar-injector.mjs');
  const command = [process.execPath, program, 'audit', `--kubeconfig=${kubeconfig}`, ...addresses] as const;
  const started = startProgram('auditor', command, { logFile, env: { ...process.env, NODE_OPTIONS: '' } });
  const port = await until('the auditor listens', async () => {
    const line = (await started.readLog()).split('\n').find((text) => text.includes('"listening"'));
    if (line === undefined) return undefined;
    const fields: { readonly metrics: number } = JSON.parse(line);
    return fields.metrics;
  });
  return {
    ...started,
    leads: async () => valuesOf((await askMetrics(port, '/metrics')).text, 'leader').get('') === 1,
  };
}
