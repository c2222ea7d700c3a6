import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { dashboards, renderDashboard } from '../../scripts/manifests/monitoring/dashboards.ts';
import { auditorDashboard } from '../../scripts/manifests/monitoring/auditor-dashboard.ts';
import { injectorDashboard } from '../../scripts/manifests/monitoring/injector-dashboard.ts';
import { meshDashboard } from '../../scripts/manifests/monitoring/mesh-dashboard.ts';
import { podOf, reviewOf } from '../support/builders/reviews.ts';
import { queriesOf } from '../support/builders/dashboard-queries.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { postReview } from '../support/http/https-client.ts';
import { writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { openMeshCluster, type MeshCluster } from '../support/mesh/mesh-cluster.ts';
import { startAuditor, type TestAuditor } from '../support/processes/auditor.ts';
import { runPrometheus, type Prometheus } from '../support/processes/prometheus.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(90_000);

let folder: string;
let mesh: MeshCluster;
let injector: ServedProgram;
let prometheus: Prometheus;
let auditor: TestAuditor;
/** Ports of the pages that Prometheus reads. */
const ports = new Map<string, number>();

/** One of each: injected, skipped, denied, no review. */
async function review(): Promise<void> {
  await postReview(injector, reviewOf(podOf()));
  await postReview(injector, reviewOf(podOf({}, { hostNetwork: true })));
  await postReview(injector, reviewOf(podOf({ labels: { 'sidecar.istio.io/inject': 'yes' } })));
  await postReview(injector, {});
}

/** An auditor that finds a pod which is older than the label of its namespace. */
async function startAudit(): Promise<TestAuditor> {
  const cluster = openTestCluster(sharedCluster());
  const { kubeconfig } = cluster;
  const component = path.join(root, 'deploy/components/auditor');
  const files = ['rbac.yaml', 'lease.yaml'].flatMap((file) => ['-f', path.join(component, file)]);
  await kubectl(kubeconfig, ['apply', ...files]);
  const namespace = await cluster.createNamespace();
  await cluster.createPod(namespace, makePod('late'));
  const [label = ''] = Object.entries(injected).map((entry) => entry.join('='));
  await kubectl(kubeconfig, ['label', 'namespace', namespace, label]);
  cluster.api.close();
  return startAuditor({ kubeconfig: await writeServiceAccountKubeconfig(cluster, 'sidecar-injector-auditor') });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dashboards-'));
  mesh = await openMeshCluster(sharedCluster());
  const [replica, served] = await Promise.all([mesh.start(), startServing({ folder })]);
  injector = served;
  const { uid } = await mesh.createPod('web');
  await replica.letIn(await mesh.tokenOf('web', uid));
  auditor = await startAudit();
  ports.set('injector', injector.metricsPort).set('mesh', replica.metricsPort).set('auditor', auditor.metricsPort);
  prometheus = await runPrometheus({
    port: await findFreePort(),
    path: '/metrics',
    targets: [...ports.values()].map((port) => `127.0.0.1:${port}`),
    get: async (url) => {
      const answer = await fetch(url);
      return { status: answer.status, body: await answer.text() };
    },
  });
});

afterAll(async () => {
  await prometheus.stop();
  await auditor.stop();
  await injector.stop('SIGKILL');
  await mesh.close();
  await rm(folder, { recursive: true });
});

/** Series that appear only when something goes wrong that did not in this test. */
const silent = new Set(['turned away: {{reason}}']);

describe.each([
  ['auditor', auditorDashboard],
  ['injector', injectorDashboard],
  ['mesh', meshDashboard],
] as const)('the dashboard of the %s, over the real one', (_name, dashboard) => {
  test.each(queriesOf(dashboard).filter(([, , legend]) => !silent.has(legend)))(
    '%s: %s',
    async (_title, expression) => {
      const found = await eventually(
        async () => {
          await review();
          return prometheus.query(expression);
        },
        (series) => series.length > 0 && series.every(({ value }) => !Number.isNaN(value)),
        30_000,
      );
      expect(found.map(({ value }) => value)).not.toEqual([]);
      expect(found.map(({ value }) => value)).not.toContain(Number.NaN);
    },
  );
});

test.each(['auditor', 'injector', 'mesh'])(
  "Prometheus' own tool finds nothing wrong with the page of the %s",
  async (name) => {
    const { text } = await askMetrics(ports.get(name) ?? 0, '/metrics');
    const checked = promisify(execFile)('promtool', ['check', 'metrics']);
    checked.child.stdin?.end(text);
    expect(await checked).toEqual({ stdout: '', stderr: '' });
  },
);

describe('each file is a dashboard by the schema of Grafana', () => {
  const reader = process.env['DASHBOARD_READER_BIN'] ?? '';
  const read = (file: string) => promisify(execFile)(reader, [file]);

  test.each(Object.entries(dashboards))('%s', async (file, dashboard) => {
    expect(await readFile(path.join(root, file), 'utf8')).toBe(renderDashboard(dashboard));
    expect(await read(path.join(root, file))).toEqual({ stdout: '', stderr: '' });
  });

  test('and a field that Grafana does not know is refused', async () => {
    const file = path.join(folder, 'wrong.json');
    await writeFile(file, renderDashboard(injectorDashboard).replace('"editable"', '"editible"'));
    await expect(read(file)).rejects.toThrow("unexpected field 'editible'");
  });
});
