import { selectEntry } from '../../../../index.ts';
import { systemNamespaces } from '../../../../injection/policy/policy.ts';
import { namespaceLabels } from '../../../../injection/policy/registration.ts';
import { annotationNames } from '../../../../pod/annotation-names.ts';
import { goodUnless, skipped, type Check } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

/** Labels of namespaces of which each is for another entry. */
const namespaces = [
  {},
  { [namespaceLabels.failurePolicy]: 'Fail' },
  { [namespaceLabels.failurePolicy]: 'Ignore' },
].flatMap((labels) => [labels, { ...labels, [annotationNames.namespaceInjection]: 'enabled' }]);

/** With failurePolicy Fail, an entry that selects what the cluster or the injector needs to start keeps it from starting. */
export const selectorsCheck: Check = {
  id: 'selectors',
  title: "no entry selects the namespaces of the system or the injector's own",
  async ask(cluster) {
    const entries = await cluster.entries();
    if (entries.length === 0) return skipped('there is no registration');
    const found = await cluster.deployed();
    const own = typeof found === 'string' ? [] : [found.namespace];
    const asking = { ...probePod(), metadata: { labels: { [annotationNames.inject]: 'true' } } };
    const lines = [...new Set([...systemNamespaces, ...own])].flatMap((name) =>
      entries
        .filter((entry) =>
          namespaces.some((labels) =>
            [probePod(), asking].some(
              (pod) => selectEntry({ ...labels, 'kubernetes.io/metadata.name': name }, pod, [entry]).called,
            ),
          ),
        )
        .map((entry) => `entry ${entry.name} selects pods of namespace ${name}`),
    );
    const hint = 'exclude them by kubernetes.io/metadata.name, as the shipped registration does';
    return goodUnless(lines, { status: 'failed', hint });
  },
};
