import type { JsonObject } from '../../../src/json/json.ts';
import { casesOf } from './any-case.ts';
import type { TemplateName, Way } from './any-pod.ts';
import { differencesIn, type Difference } from './differences.ts';
import type { Case, IstioInjector } from './injector.ts';
import { isPlausible } from './plausible.ts';
import { reduce } from './reduce.ts';

/** A kind of difference with the smallest case of it that was found. */
export interface Kind extends Difference {
  readonly cases: number;
  readonly smallest: Case;
}

/** What comparing the cases has shown. */
export interface Survey {
  readonly injected: number;
  readonly kinds: readonly Kind[];
}

/** More kinds than these are only counted. */
const mostReduced = 12;

async function reduced(one: Case, kind: string, istio: IstioInjector): Promise<Kind> {
  const { way } = one;
  const found = async (parts: JsonObject): Promise<Difference | undefined> => {
    if (!isPlausible(parts)) return undefined;
    const differences = await differencesIn({ ...(parts as unknown as Case), way }, istio);
    return differences.find((difference) => difference.kind === kind);
  };
  const { way: _, ...parts } = one;
  const smallest = await reduce(
    parts as unknown as JsonObject,
    async (smaller) => (await found(smaller)) !== undefined,
  );
  const difference = await found(smallest);
  if (difference === undefined) throw new Error(`${kind} comes and goes`);
  return { ...difference, cases: 1, smallest: { ...(smallest as unknown as Case), way } };
}

/** Compares both injectors in cases of a template, and looks for the smallest case of every kind of difference. */
export async function surveyOf(
  template: TemplateName,
  way: Way,
  { count, seed }: { readonly count: number; readonly seed: number },
  istio: IstioInjector,
): Promise<Survey> {
  const first = new Map<string, { readonly one: Case; readonly cases: number }>();
  const cases = casesOf(template, way, count, seed);
  let injected = 0;
  for (const one of cases) {
    const differences = await differencesIn(one, istio, () => void (injected += 1));
    for (const { kind } of differences) {
      const known = first.get(kind);
      const isSmaller = known === undefined || JSON.stringify(one).length < JSON.stringify(known.one).length;
      first.set(kind, { one: isSmaller ? one : known.one, cases: (known?.cases ?? 0) + 1 });
    }
  }
  const kinds: Kind[] = [];
  for (const [kind, { one, cases: count }] of [...first].slice(0, mostReduced)) {
    kinds.push({ ...(await reduced(one, kind, istio)), cases: count });
  }
  return { injected, kinds };
}
