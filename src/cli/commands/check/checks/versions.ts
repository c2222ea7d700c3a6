import { version } from '../../../../index.ts';
import { goodUnless, skipped, type Check } from '../finding.ts';

/** All replicas are of one version, which is that of this program, and run the settings of the ConfigMaps. */
export const versionsCheck: Check = {
  id: 'versions',
  title: 'all replicas run the same version and settings, those of the ConfigMaps',
  async ask(cluster) {
    const told = (await cluster.replicas()).flatMap((one) => ('version' in one ? [one] : []));
    if (told.length === 0) return skipped('no replica says what it runs');
    const refused = told.flatMap((one) =>
      one.refused.map((problem) => `${one.name} refuses the new settings: ${problem}`),
    );
    if (refused.length > 0) {
      return { status: 'failed', lines: refused, hint: 'correct the ConfigMap; the last valid settings stay in use' };
    }
    const settings = await cluster.settings();
    const wanted = 'snapshot' in settings ? settings.snapshot.hash : told[0]?.settingsHash;
    const lines = [
      ...told
        .filter((one) => one.settingsHash !== wanted)
        .map((one) => `${one.name} runs settings ${one.settingsHash}, not ${wanted ?? ''}`),
      ...told
        .filter((one) => one.version !== version)
        .map((one) => `${one.name} is of version ${one.version}, this program of ${version}`),
    ];
    const hint =
      'a changed ConfigMap reaches every replica within a minute or so; use this program in the version that serves';
    return goodUnless(lines, { status: 'warning', hint }, `version ${version}, settings ${wanted ?? ''}`);
  },
};
