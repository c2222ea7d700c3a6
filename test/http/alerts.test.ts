import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { root } from '../../scripts/checkout.ts';
import type { Alert } from '../../scripts/manifests/monitoring/alert.ts';
import {
  alertGroups,
  plainRulesFile,
  renderPlainRules,
  renderRules,
  rulesFile,
} from '../../scripts/manifests/monitoring/rules.ts';

/*
 * Prometheus' own tool plays the course of series against the rules. Each alert has a course in which it fires, and one of a
 * healthy installation in which none does; the first is followed by the second, in which it clears.
 */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'alerts-'));
});
afterAll(() => rm(folder, { recursive: true }));

const promtool = (...args: readonly string[]) => promisify(execFile)('promtool', args);

const injector = (pod: string) => `pod="sidecar-injector-${pod}"`;
const auditor = (pod: string) => `pod="sidecar-injector-auditor-${pod}"`;
const mesh = (pod: string) => `pod="sidecar-injector-mesh-${pod}"`;
const missed = (finding: string) =>
  `sidecar_injector_audit_pods{${auditor('a')},finding="${finding}",namespace="sidecar-injector-system",owner_namespace="shop",owner_kind="Deployment",owner_name="web"}`;
const entry = 'name="namespace.sidecar-injector.io"';
const year = 365 * 86_400;

/** Series of a healthy installation, as their value, which stays, or as an increment a minute. */
const healthy: Readonly<Record<string, readonly [value: number, perMinute?: number]>> = {
  [`sidecar_injector_ready{${injector('a')}}`]: [1],
  [`sidecar_injector_ready{${injector('b')}}`]: [1],
  [`sidecar_injector_configuration_valid{${injector('a')}}`]: [1],
  [`sidecar_injector_configuration_info{${injector('a')},hash="1"}`]: [1],
  [`sidecar_injector_configuration_info{${injector('b')},hash="1"}`]: [1],
  [`sidecar_injector_serving_certificate_expiry_timestamp_seconds{${injector('a')}}`]: [year],
  [`sidecar_injector_internal_failures_total{${injector('a')}}`]: [3],
  [`sidecar_injector_shed_total{${injector('a')},reason="busy"}`]: [7],
  [`sidecar_injector_admission_duration_seconds_bucket{${injector('a')},le="0.25"}`]: [0, 60],
  [`sidecar_injector_admission_duration_seconds_bucket{${injector('a')},le="1"}`]: [0, 60],
  [`sidecar_injector_admission_duration_seconds_bucket{${injector('a')},le="+Inf"}`]: [0, 60],
  [`nodejs_eventloop_lag_p99_seconds{${injector('a')}}`]: [0.01],
  [`apiserver_admission_webhook_rejection_count{${entry},error_type="calling_webhook_error"}`]: [5],
  [`apiserver_admission_webhook_fail_open_count{${entry}}`]: [5],
  [`sidecar_injector_audit_leader{${auditor('a')}}`]: [1],
  [`sidecar_injector_audit_leader{${auditor('b')}}`]: [0],
  [`sidecar_injector_audit_breaker_open{${auditor('a')}}`]: [0],
  [missed('outdated')]: [4],
  [`sidecar_injector_mesh_streams{${mesh('a')}}`]: [10],
  [`sidecar_injector_mesh_streams_in_sync{${mesh('a')}}`]: [10],
  [`sidecar_injector_mesh_withheld_resources{${mesh('a')},kind="listener"}`]: [0],
  [`sidecar_injector_mesh_refused_resources_total{${mesh('a')},kind="listener"}`]: [0],
  [`sidecar_injector_mesh_watch_age_seconds{${mesh('a')},kind="Pod"}`]: [10],
  [`sidecar_injector_mesh_divergent_kinds{${mesh('a')}}`]: [0],
  [`sidecar_injector_mesh_held_removals{${mesh('a')}}`]: [0],
  [`sidecar_injector_mesh_serving_certificate_expiry_timestamp_seconds{${mesh('a')}}`]: [year],
  [`sidecar_injector_mesh_authority_expiry_timestamp_seconds{${mesh('a')},authority="workloads"}`]: [year],
  [`sidecar_injector_mesh_authority_problems{${mesh('a')},authority="workloads"}`]: [0],
  [`sidecar_injector_mesh_root_phase{${mesh('a')},phase="stable"}`]: [1],
  [`sidecar_injector_mesh_root_phase{${mesh('a')},phase="trust"}`]: [0],
};

/** For each alert: what is different while it fires. */
const courses: Readonly<Record<string, Readonly<Record<string, readonly [value: number, perMinute?: number]>>>> = {
  SidecarInjectorAbsent: {
    [`sidecar_injector_ready{${injector('a')}}`]: [0],
    [`sidecar_injector_ready{${injector('b')}}`]: [0],
  },
  SidecarInjectorNotReady: { [`sidecar_injector_ready{${injector('a')}}`]: [0] },
  SidecarInjectorSingleReplica: { [`sidecar_injector_ready{${injector('b')}}`]: [0] },
  SidecarInjectorCallsFail: {
    [`apiserver_admission_webhook_rejection_count{${entry},error_type="calling_webhook_error"}`]: [5, 1],
  },
  SidecarInjectorFailsOpen: { [`apiserver_admission_webhook_fail_open_count{${entry}}`]: [5, 1] },
  SidecarInjectorSettingsRefused: { [`sidecar_injector_configuration_valid{${injector('a')}}`]: [0] },
  SidecarInjectorReplicasDiffer: { [`sidecar_injector_configuration_info{${injector('b')},hash="2"}`]: [1] },
  SidecarInjectorCertificateExpires: {
    [`sidecar_injector_serving_certificate_expiry_timestamp_seconds{${injector('a')}}`]: [80_000],
  },
  SidecarInjectorDefect: { [`sidecar_injector_internal_failures_total{${injector('a')}}`]: [3, 1] },
  SidecarInjectorSheds: { [`sidecar_injector_shed_total{${injector('a')},reason="busy"}`]: [7, 1] },
  SidecarInjectorSlow: {
    [`sidecar_injector_admission_duration_seconds_bucket{${injector('a')},le="0.25"}`]: [0, 50],
  },
  SidecarInjectorStalls: { [`nodejs_eventloop_lag_p99_seconds{${injector('a')}}`]: [0.7] },
  SidecarInjectorPodsMissed: { [missed('missed')]: [2] },
  SidecarInjectorCaptureMissing: { [missed('uncaptured')]: [1] },
  SidecarInjectorPodsIrreplaceable: { [missed('denied')]: [1] },
  SidecarInjectorEvictionsStopped: { [`sidecar_injector_audit_breaker_open{${auditor('a')}}`]: [1] },
  SidecarInjectorAuditorIdle: { [`sidecar_injector_audit_leader{${auditor('a')}}`]: [0] },
  SidecarInjectorMeshProxiesBehind: { [`sidecar_injector_mesh_streams_in_sync{${mesh('a')}}`]: [8] },
  SidecarInjectorMeshRejected: { [`sidecar_injector_mesh_withheld_resources{${mesh('a')},kind="listener"}`]: [1] },
  SidecarInjectorMeshDefect: {
    [`sidecar_injector_mesh_refused_resources_total{${mesh('a')},kind="listener"}`]: [0, 1],
  },
  SidecarInjectorMeshStale: { [`sidecar_injector_mesh_watch_age_seconds{${mesh('a')},kind="Pod"}`]: [400] },
  SidecarInjectorMeshReplicasDiffer: { [`sidecar_injector_mesh_divergent_kinds{${mesh('a')}}`]: [1] },
  SidecarInjectorMeshHoldsBack: { [`sidecar_injector_mesh_held_removals{${mesh('a')}}`]: [3] },
  SidecarInjectorMeshCertificateExpires: {
    [`sidecar_injector_mesh_serving_certificate_expiry_timestamp_seconds{${mesh('a')}}`]: [80_000],
  },
  SidecarInjectorMeshAuthorityExpires: {
    [`sidecar_injector_mesh_authority_expiry_timestamp_seconds{${mesh('a')},authority="workloads"}`]: [500_000],
  },
  SidecarInjectorMeshAuthorityProblem: {
    [`sidecar_injector_mesh_authority_problems{${mesh('a')},authority="workloads"}`]: [1],
  },
  SidecarInjectorMeshRotationStuck: {
    [`sidecar_injector_mesh_root_phase{${mesh('a')},phase="stable"}`]: [0],
    [`sidecar_injector_mesh_root_phase{${mesh('a')},phase="trust"}`]: [1],
  },
};

/** Minutes for which it is ill, enough for every alert but the slowest, and then well. */
function minutesOf({ minutes }: Alert): number {
  return Math.max(60, minutes + 10);
}

type Course = readonly [value: number, perMinute?: number];

/** A course in Prometheus' notation: ill at first, then well for as long. */
function notation([ill, illPerMinute = 0]: Course, [well, wellPerMinute = 0]: Course, minutes: number): string {
  const isCounter = illPerMinute > 0 || wellPerMinute > 0;
  const reached = ill + illPerMinute * minutes;
  return `${ill}+${illPerMinute}x${minutes} ${isCounter ? reached + wellPerMinute : well}+${wellPerMinute}x${minutes}`;
}

/** What `promtool test rules` reads: the alert has to fire at the end of the first part, and not at that of the second. */
function playOf(alert: Alert, course: Readonly<Record<string, Course>>): object {
  const minutes = minutesOf(alert);
  const names = [...new Set([...Object.keys(healthy), ...Object.keys(course)])];
  const series = names.map((name) => {
    const well = healthy[name];
    const ill = course[name] ?? well ?? [0];
    // A series that only the illness has ends with it.
    return { series: name, values: well === undefined ? `${ill[0]}x${minutes} stale` : notation(ill, well, minutes) };
  });
  const ask = `count(ALERTS{alertname="${alert.name}",alertstate="firing",severity="${alert.severity}"}) or vector(0)`;
  const at = (minute: number, value: number) => ({
    expr: ask,
    eval_time: `${minute}m`,
    exp_samples: [{ labels: '{}', value }],
  });
  return {
    rule_files: [path.join(root, plainRulesFile)],
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: series, promql_expr_test: [at(minutes, 1), at(2 * minutes, 0)] }],
  };
}

async function play(name: string, what: object): Promise<void> {
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(what));
  await promtool('test', 'rules', file);
}

const alerts = Object.values(alertGroups).flat();

test('every alert has a course in which it fires', () => {
  expect(Object.keys(courses).toSorted()).toEqual(alerts.map(({ name }) => name).toSorted());
});

test.each(alerts.map((alert) => [alert.name, alert] as const))('%s fires and clears', async (name, alert) => {
  await play(name, playOf(alert, courses[name] ?? {}));
});

test('a healthy installation fires none', async () => {
  const series = Object.entries(healthy).map(([name, [value, perMinute = 0]]) => ({
    series: name,
    values: `${value}+${perMinute}x150`,
  }));
  const none = { expr: 'ALERTS', eval_time: '140m', exp_samples: [] };
  const tests = [{ interval: '1m', input_series: series, promql_expr_test: [none] }];
  await play('healthy', { rule_files: [path.join(root, plainRulesFile)], evaluation_interval: '1m', tests });
});

test('the generated files are those of the table, and Prometheus reads them', async () => {
  expect(await readFile(path.join(root, rulesFile), 'utf8')).toBe(renderRules());
  expect(await readFile(path.join(root, plainRulesFile), 'utf8')).toBe(renderPlainRules());
  expect((await promtool('check', 'rules', path.join(root, plainRulesFile))).stdout).toContain(
    `${alerts.length} rules found`,
  );
});

test('Prometheus reads the configuration without operator', async () => {
  const plain = path.join(root, 'deploy/components/monitoring/plain');
  const text = await readFile(path.join(plain, 'prometheus.yaml'), 'utf8');
  const configuration = parse(text) as { scrape_configs: Record<string, unknown>[] };
  // Debian builds Prometheus without the discovery of Kubernetes' objects.
  for (const scrape of configuration.scrape_configs) delete scrape['kubernetes_sd_configs'];
  const file = path.join(folder, 'prometheus.yaml');
  await writeFile(file, JSON.stringify({ ...configuration, rule_files: [path.join(plain, 'alerts.yaml')] }));
  expect((await promtool('check', 'config', file)).stdout).toContain('SUCCESS');
});
