import { alertGroups } from '../manifests/monitoring/rules.ts';

const titles: Readonly<Record<string, string>> = {
  'sidecar-injector': 'The injector',
  'sidecar-injector-auditor': 'The auditor',
  'sidecar-injector-mesh': 'The control plane of the mesh',
};

/** The page that the alerts point to. */
export function alertsPage(notice: string): string {
  const sections = Object.entries(alertGroups).map(([group, alerts]) => {
    const entries = alerts.map(
      ({ name, severity, minutes, expression, summary, runbook }) =>
        `### ${name}\n\n${summary.replaceAll(/\{\{ \$(?:labels\.)?(\w+) \}\}/g, '_$1_')} (${severity}${minutes === 0 ? '' : `, after ${minutes} min`})\n\n${runbook}\n\n\`\`\`promql\n${expression}\n\`\`\``,
    );
    return `## ${titles[group] ?? group}\n\n${entries.join('\n\n')}`;
  });
  return `# Alerts and dashboards

${notice}

\`deploy/components/monitoring\` is a kustomize component: add it to \`components\` of your own kustomization. It has PodMonitors for the
injector, the auditor, the control plane of the mesh and all proxies, these alerts as a PrometheusRule, and three dashboards for Grafana
in a ConfigMap with the label \`grafana_dashboard\`, which Grafana's side-car for dashboards reads; the JSON files in \`dashboards/\` can
also be imported by hand. PodMonitor and PrometheusRule belong to the Prometheus operator. Without it, \`plain/\` has the same
alerts and scrape targets for the configuration file of Prometheus.

\`critical\` means that pods cannot be created, or soon cannot; \`warning\` that something is wrong and will not end by itself.

${sections.join('\n\n')}
`;
}
