import { stringify } from 'yaml';
import type { Alert } from './alert.ts';
import { auditorAlerts } from './auditor-alerts.ts';
import { injectorAlerts } from './injector-alerts.ts';
import { meshAlerts } from './mesh-alerts.ts';

/** Generated files, relative to the checkout. */
export const rulesFile = 'deploy/components/monitoring/alerts.yaml';
export const plainRulesFile = 'deploy/components/monitoring/plain/alerts.yaml';

const header = '# Generated from scripts/manifests/monitoring by `make manifests`; do not edit.\n';

/** Every alert, by the name of its group. */
export const alertGroups: Readonly<Record<string, readonly Alert[]>> = {
  'sidecar-injector': injectorAlerts,
  'sidecar-injector-auditor': auditorAlerts,
  'sidecar-injector-mesh': meshAlerts,
};

function ruleOf({ name, severity, expression, minutes, summary }: Alert): object {
  return {
    alert: name,
    expr: expression,
    for: `${minutes}m`,
    labels: { severity },
    annotations: { summary, runbook: `docs/alerts.md#${name.toLowerCase()}` },
  };
}

function groups(): object {
  return { groups: Object.entries(alertGroups).map(([name, alerts]) => ({ name, rules: alerts.map(ruleOf) })) };
}

function text(object: object): string {
  return header + stringify(object, { lineWidth: 0, singleQuote: true });
}

/** The alerts as an object of the Prometheus operator. */
export function renderRules(): string {
  return text({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'sidecar-injector', namespace: 'sidecar-injector-system' },
    spec: groups(),
  });
}

/** The alerts as a file of Prometheus itself (`rule_files`). */
export function renderPlainRules(): string {
  return text(groups());
}
