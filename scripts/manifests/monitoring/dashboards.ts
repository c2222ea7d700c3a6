import { dashboardJson, type Dashboard } from './dashboard.ts';
import { auditorDashboard } from './auditor-dashboard.ts';
import { injectorDashboard } from './injector-dashboard.ts';
import { meshDashboard } from './mesh-dashboard.ts';
import { servicesDashboard } from './services-dashboard.ts';

/** Every dashboard, by its generated file, relative to the checkout. */
export const dashboards: Readonly<Record<string, Dashboard>> = {
  'deploy/components/monitoring/dashboards/auditor.json': auditorDashboard,
  'deploy/components/monitoring/dashboards/injector.json': injectorDashboard,
  'deploy/components/monitoring/dashboards/mesh.json': meshDashboard,
  'deploy/components/monitoring/dashboards/services.json': servicesDashboard,
};

/** The text of a dashboard's file. */
export function renderDashboard(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboardJson(dashboard), undefined, 2)}\n`;
}
