import { namespaceBase } from '../../../../injection/namespace-defaults.ts';
import { baseOf } from '../../../../injection/snapshot.ts';
import { goodUnless, shortened, type Check } from '../finding.ts';

/** Whatever a namespace sets for its pods has an effect. */
export const namespaceDefaultsCheck: Check = {
  id: 'namespace-defaults',
  title: 'what namespaces set for their pods has an effect',
  async ask(cluster) {
    const { snapshot } = await cluster.injector();
    const lines = (await cluster.namespaces()).flatMap((namespace) => {
      const { warnings } = namespaceBase(baseOf(snapshot, namespace.name, undefined), namespace, snapshot);
      return warnings.map((text) => `${namespace.name}: ${text}`);
    });
    return goodUnless(shortened(lines), {
      status: 'warning',
      hint: 'correct the annotation; docs/annotations.md says what a namespace may set',
    });
  },
};
