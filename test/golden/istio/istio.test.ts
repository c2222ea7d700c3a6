import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { byKey } from '../../../src/json/json.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { argumentsOf, readCases, type Case } from './cases.ts';
import { comparedDimensions, differences } from './dimensions.ts';
import { objectsOf } from '../../support/istio/normal-form.ts';

/*
 * Istio's own injection tests against `inject` with Istio's settings. Both sides are parsed and freed of what Go's types
 * add; then twelve dimensions are compared, order included. Where Istio's expectation records a mistake we differ on
 * purpose, in the dimensions named here and in no other.
 */
interface Deliberate {
  /** `case`: another outcome altogether. */
  readonly dimensions: readonly string[] | 'case';
  readonly because: string;
}

const onThePod: Deliberate = {
  dimensions: ['D10 metadata', 'D11 everything else'],
  because: 'labels and annotations go onto the pod; Istio writes them onto the Job, where nothing reads them',
};
const noHook: Deliberate = {
  dimensions: ['D4 proxy process'],
  because: 'without a status port there is no agent to ask, so no preStop hook asks port 0',
};

/** Expectations that record a mistake, and the ones that need what is not offered; not all of them are in every data set. */
const deliberate: Readonly<Record<string, Deliberate>> = {
  'cronjob.yaml': onThePod,
  'cronjob-old-version.yaml': onThePod,
  'only-proxy-container.yaml': {
    dimensions: 'case',
    because:
      'a pod without a container of its own is refused; Istio leaves `containers: []`, which no API server takes',
  },
  'proxy-override-runas.yaml.tproxy': {
    dimensions: ['D3 iptables arguments'],
    because: 'the rules exempt the group that the proxy runs with (-g); in Istio the proxy captures itself',
  },
  'sidecar-spire.yaml': {
    dimensions: 'case',
    because: 'the template goes onto the native proxy; in Istio it makes a second istio-proxy without an image',
  },
  'status_annotations_zeroport.yaml': noHook,
  'traffic-params.yaml': noHook,
  'custom-template.yaml': {
    dimensions: 'case',
    because: 'Istio’s text templates are not run; a SidecarTemplate says the same as plain YAML',
  },
};

const { folder, cases } = readCases();
const score = new Map<string, { whole: number; cases: number; dimensions: number; of: number }>();

function count(one: Case, wrong: readonly string[]): void {
  const tier = score.get(one.tier) ?? { whole: 0, cases: 0, dimensions: 0, of: 0 };
  tier.cases += 1;
  tier.of += comparedDimensions.length;
  tier.dimensions += comparedDimensions.length - wrong.length;
  if (wrong.length === 0) tier.whole += 1;
  score.set(one.tier, tier);
}

if (cases === undefined) {
  process.stderr.write(`NOT RUN: no Istio goldens in ${folder}; set ISTIO_GOLDENS to the folder that has them\n`);
  test.skip('Istio injection goldens (folder absent)', () => undefined);
} else {
  afterAll(() => {
    const lines = [...score]
      .toSorted(byKey)
      .map(
        ([tier, { whole, cases: all, dimensions, of }]) =>
          `  tier ${tier}: ${whole} of ${all} cases whole, ${dimensions} of ${of} dimensions`,
      );
    const differing = cases.flatMap(({ name }) => {
      const known = deliberate[name];
      return known === undefined ? [] : [`  on purpose, ${name}: ${known.because}`];
    });
    process.stderr.write(`Istio injection goldens:\n${[...lines, ...differing].join('\n')}\n`);
  });

  describe('Istio injection goldens', () => {
    test.each(cases.map((one) => [`${one.tier} ${one.id} ${one.name}`, one] as const))('%s', async (_title, one) => {
      const run = await runCommand(argumentsOf(one));
      if (one.expected === null) {
        const refused = run.code !== 0 && run.stderr.toLowerCase().includes(one.expectedError ?? '');
        count(one, refused ? [] : [...comparedDimensions]);
        expect(run).toMatchObject({ stdout: '', code: 1 });
        expect(run.stderr.toLowerCase()).toContain(one.expectedError);
        return;
      }
      const found =
        run.code === 0
          ? differences(objectsOf(run.stdout), objectsOf(readFileSync(resolve(folder, one.expected), 'utf8')))
          : comparedDimensions.map((dimension) => ({ dimension, ours: run.stderr, istio: null }));
      const wrong = found.map(({ dimension }) => dimension);
      count(one, wrong);
      const wanted = deliberate[one.name];
      if (wanted === undefined) expect(found).toEqual([]);
      else if (wanted.dimensions === 'case') expect(wrong).not.toEqual([]);
      else expect(wrong).toEqual(wanted.dimensions);
    });
  });
}
