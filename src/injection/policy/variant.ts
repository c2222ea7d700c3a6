import { quote } from '../../grammar/problem.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import { pinnedVariantLabel, stableVariant, type Variant } from '../../settings/schema/variant.ts';
import { isAmongFirst, type Situation } from './share.ts';

/** The variant of a pod; undefined for the settings of `spec.proxy`. */
export interface ChosenVariant {
  readonly name: string | undefined;
  readonly warnings: readonly string[];
}

/**
 * Chooses the variant of a pod: that which its label names or else its namespace's, or the first of whose share its owner is.
 * A name that is not known means `stable`: what a variant has become when it is promoted and taken out of the settings.
 */
export function chooseVariant(
  variants: readonly Variant[],
  situation: Situation,
  { pod, namespace }: { readonly pod: JsonObject | undefined; readonly namespace: Readonly<Record<string, string>> },
): ChosenVariant {
  const own = stringMember(pod, pinnedVariantLabel);
  const pinned = own ?? namespace[pinnedVariantLabel];
  if (pinned === undefined) {
    const first = variants.find(({ name, percent }) => isAmongFirst(percent, `proxy ${name}`, situation));
    return { name: first?.name, warnings: [] };
  }
  const known = [stableVariant, ...variants.map(({ name }) => name)];
  if (known.includes(pinned)) return { name: pinned === stableVariant ? undefined : pinned, warnings: [] };
  const where = `${own === undefined ? 'namespace label' : 'label'} ${pinnedVariantLabel}`;
  const hint = didYouMean(pinned, known) || `; known: ${known.join(', ')}`;
  const warning = `${where}: ${quote(pinned)} is not a known variant${hint}; the pod gets ${stableVariant}`;
  return { name: undefined, warnings: [warning] };
}
