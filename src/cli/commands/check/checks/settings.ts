import { good, type Check } from '../finding.ts';

/** The ConfigMaps hold what a replica would take. */
export const settingsCheck: Check = {
  id: 'settings',
  title: 'settings and sidecars of the ConfigMaps are valid and do not deny every pod',
  async ask(cluster) {
    const settings = await cluster.settings();
    if ('snapshot' in settings) {
      const sidecars = ['sidecar (built in)', ...settings.snapshot.templates.keys()];
      return good(`${settings.from.join(', ') || 'built-in settings'}; sidecars: ${sidecars.join(', ')}`);
    }
    const hint =
      'correct the ConfigMap; try the change first with: sidecar-injector check --settings FILE --sidecars PATH';
    if (settings.isKnown) return { status: 'failed', lines: settings.problems, hint };
    const why = 'it needs the right to get services and configmaps and to list deployments there';
    return { status: 'unknown', lines: settings.problems, hint: why };
  },
};
