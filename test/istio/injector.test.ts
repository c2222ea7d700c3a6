import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { seed } from '../support/fast-check.ts';
import { templateNames, ways } from '../support/istio/any-pod.ts';
import { startIstioInjector, type IstioInjector } from '../support/istio/injector.ts';
import { surveyOf, type Kind } from '../support/istio/survey.ts';

/*
 * Random pods, injected by Istio's own injector (its Go module, in a program of ours) and by this project with the same
 * settings. Whatever differs and is not listed in docs/istiod.md is a fault; the smallest case of each kind is shown.
 */
const count = Number(process.env['FAST_CHECK_RUNS'] ?? 200);

function describeKind({ kind, cases, ours, istio, smallest }: Kind): string {
  const lines = Object.entries({ ours, istio, ...smallest }).map(
    ([key, value]) => `    ${key}: ${JSON.stringify(value)}`,
  );
  return [`${kind} (${cases} cases)`, ...lines].join('\n');
}

describe(`mode istiod beside Istio’s injector (seed ${seed}, ${count} pods each)`, () => {
  let istio: IstioInjector;
  beforeAll(() => {
    const program = process.env['ISTIO_INJECTOR_BIN'];
    if (program === undefined) throw new Error('ISTIO_INJECTOR_BIN is not set: run `make test-istio`');
    istio = startIstioInjector(program);
  });
  afterAll(() => istio.stop());

  test.each(templateNames.flatMap((template) => ways.map((way) => [template, way] as const)))(
    'template %s, by %s: the same pods',
    async (template, way) => {
      const { injected, kinds } = await surveyOf(template, way, { count, seed }, istio);
      expect(kinds.map(describeKind).join('\n\n')).toBe('');
      expect(injected).toBeGreaterThan(count / 4);
    },
    15 * 60_000,
  );
});
