import { quantityText } from '../../../../grammar/quantity.ts';
import { good, goodUnless, shortened, type Check } from '../finding.ts';
import type { Survey } from '../survey.ts';
import { plural } from '../../../plural.ts';

function counted(owners: ReadonlyMap<string, number>): readonly string[] {
  const rows = [...owners].toSorted(([, one], [, other]) => other - one);
  return shortened(rows.map(([owner, pods]) => `${owner}: ${plural(pods, 'pod')}`));
}

function extent({ pods, isPartial }: Survey): string {
  return isPartial ? `only the first ${pods} pods were looked at` : plural(pods, 'pod');
}

/** Pods that would be injected if they were created now have a sidecar. */
export const missedPodsCheck: Check = {
  id: 'missed-pods',
  title: 'every pod that would be injected now has its sidecar',
  async ask(cluster) {
    const survey = await cluster.survey();
    const hint = 'create them anew: kubectl -n NAMESPACE rollout restart KIND/NAME';
    return goodUnless(counted(survey.missed), { status: 'warning', hint }, extent(survey));
  },
};

/** No pod runs that could not be created any more. */
export const deniedPodsCheck: Check = {
  id: 'denied-pods',
  title: 'no pod runs that would be denied if it were created anew',
  async ask(cluster) {
    const { denied } = await cluster.survey();
    const hint = 'correct what the reason names before the pods are created anew, such as when a node is drained';
    return goodUnless(counted(denied), { status: 'warning', hint });
  },
};

/** Injected pods have what a new one would get. */
export const outdatedPodsCheck: Check = {
  id: 'outdated-pods',
  title: 'every injected pod is as a new one would be',
  async ask(cluster) {
    const { outdated, kept, injected } = await cluster.survey();
    const { hash, version } = (await cluster.injector()).snapshot;
    const hint = `current are settings ${hash.slice(0, 8)} and version ${version}; sidecar-injector rollout restart --outdated makes the pods anew, one workload at a time`;
    return goodUnless(
      counted(outdated),
      { status: 'warning', hint },
      plural(injected, 'injected pod'),
      ...counted(kept),
    );
  },
};

/** What injection takes of each namespace. */
export const costCheck: Check = {
  id: 'cost',
  title: 'what sidecars request',
  async ask(cluster) {
    const { cost } = await cluster.survey();
    const rows = [...cost].toSorted(([, one], [, other]) => other.cpu - one.cpu);
    const lines = rows.map(
      ([namespace, { pods, cpu, memory }]) =>
        `namespace ${namespace}: cpu ${quantityText('cpu', cpu)}, memory ${quantityText('memory', memory)}, ${plural(pods, 'pod')}`,
    );
    return good(...shortened(lines));
  },
};
