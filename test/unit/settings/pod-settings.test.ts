import { describe, expect, test } from '@jest/globals';
import type { AnnotationRow } from '../../../src/settings/annotation.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { resolveBase } from '../../../src/settings/effective.ts';
import { readPodSettings } from '../../../src/settings/pod-settings.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { examples } from './annotation-examples/examples.ts';

const { settings } = snapshotOf();
const base = resolveBase(settings, undefined);

function keyOf({ kind, name }: AnnotationRow): string {
  return kind === 'annotation' ? name : `${kind} ${name}`;
}

/** Reads one value of one row alone. */
function read({ kind, name }: Pick<AnnotationRow, 'kind' | 'name'>, value: unknown) {
  const values = { [name]: value as string };
  const pod =
    kind === 'label' ? { annotations: undefined, labels: values } : { annotations: values, labels: undefined };
  return readPodSettings(pod, base, ['registry.example.com/*']);
}

function readAnnotations(annotations: Record<string, unknown> | undefined) {
  return readPodSettings({ annotations: annotations as never, labels: undefined }, base, []);
}

const rows = annotationTable.map((row) => [keyOf(row), row] as const);

describe('the annotation table', () => {
  test('no row is there twice, and every row has an example', () => {
    expect(Object.keys(examples).toSorted()).toEqual(rows.map(([key]) => key).toSorted());
  });

  test.each(rows)('%s: a good value', (key, row) => {
    const example = examples[key];
    if (example === undefined) throw new Error('no example');
    if ('elsewhere' in example) {
      const [good, itsValue] = example.elsewhere;
      expect([row.apply, good()]).toEqual([undefined, itsValue]);
    } else if ('effect' in example) {
      const found = read(row, example.good);
      expect([row.support, found.problems, found.warnings]).toEqual([
        'supported',
        [],
        example.deprecation === undefined ? [] : [example.deprecation],
      ]);
      expect(example.effect(found.effective)).toEqual(example.value);
      expect(example.effect(base)).not.toEqual(example.value);
    } else if ('warning' in example) {
      const found = read(row, example.good);
      expect([row.support, found.problems, found.warnings]).toEqual([
        example.support ?? 'ignored',
        [],
        [example.warning],
      ]);
      expect(found.effective).toEqual(base);
    } else {
      expect(row.support).toBe('denied');
      if (example.harmless !== undefined) {
        expect(read(row, example.harmless)).toEqual({ effective: base, problems: [], warnings: [] });
      }
    }
  });

  test.each(rows)('%s: a bad value', (key, row) => {
    const example = examples[key];
    if (example === undefined) throw new Error('no example');
    if ('elsewhere' in example) {
      const [, , bad, itsValue] = example.elsewhere;
      expect(bad()).toEqual(itsValue);
    } else {
      expect(read(row, example.bad).problems).toEqual([{ where: row.name, message: example.message }]);
    }
  });

  test('the base itself comes back, and is never changed', () => {
    const before = JSON.stringify(base);
    expect(readAnnotations(undefined).effective).toBe(base);
    expect(readAnnotations({ 'example.com/x': 'y' }).effective).toBe(base);
    expect(readAnnotations({ 'kubectl.kubernetes.io/default-container': 'app' }).effective).toBe(base);
    for (const [key, row] of rows) {
      const example = examples[key];
      if (example !== undefined && 'good' in example) read(row, example.good);
    }
    expect(JSON.stringify(base)).toBe(before);
  });

  test('all problems of a pod come back at once', () => {
    const bad = { annotation: new Map<string, string>(), label: new Map<string, string>() };
    for (const [key, { kind, name }] of rows) {
      const example = examples[key];
      if (kind !== 'namespace label' && example !== undefined && 'bad' in example) bad[kind].set(name, example.bad);
    }
    const pod = { annotations: Object.fromEntries(bad.annotation), labels: Object.fromEntries(bad.label) };
    const found = readPodSettings(pod, base, []).problems.map(({ where }) => where);
    expect(found.toSorted()).toEqual([...bad.annotation.keys(), ...bad.label.keys()].toSorted());
  });

  test.each([null, 5, true, {}])('a value that is no string: %j', (value) => {
    const where = 'sidecar.istio.io/proxyCPU';
    const message = 'must be a string: quote it; allowed: a Kubernetes quantity such as 100m or 128Mi';
    expect(readAnnotations({ [where]: value }).problems).toEqual([{ where, message }]);
  });

  test.each([
    ['annotation', 'sidecar.istio.io/proxyCPULimt', ', did you mean "sidecar.istio.io/proxyCPULimit"?'],
    [
      'annotation',
      'traffic.sidecar.istio.io/excludeOutboundPort',
      ', did you mean "traffic.sidecar.istio.io/excludeOutboundPorts"?',
    ],
    ['annotation', 'sidecar-injector.io/nothing-like-it', ''],
    ['annotation', 'traffic.sidecar.istio.io/proxyCPU', ', did you mean "sidecar.istio.io/proxyCPU"?'],
    ['annotation', 'sidecar-injector.io/profile', ': it is a label'],
    ['label', 'sidecar.istio.io/proxyCPU', ': it is an annotation'],
    ['label', 'sidecar.istio.io/injekt', ', did you mean "sidecar.istio.io/inject"?'],
  ] as const)('an unknown %s of ours gives a warning: %s', (kind, name, suggestion) => {
    expect(read({ kind, name }, 'x').warnings).toEqual([
      `${kind} ${JSON.stringify(name)} is unknown and has no effect${suggestion}`,
    ]);
  });

  test('the annotation that is deprecated for a label gives a warning without the label', () => {
    const values = { 'sidecar.istio.io/inject': 'true' };
    const warnings = (labels: Record<string, string> | undefined) =>
      readPodSettings({ annotations: values, labels }, base, []).warnings;
    expect(warnings(undefined)).toEqual([
      'annotation "sidecar.istio.io/inject" is deprecated; use the label of the same name',
    ]);
    expect(warnings(values)).toEqual([]);
  });

  test.each([
    ['80,9000', true],
    ['', true],
    ['*', false],
  ])('an excluded inbound port beside includeInboundPorts %j: a warning is %j', (included, warned) => {
    const { warnings } = readAnnotations({
      'traffic.sidecar.istio.io/includeInboundPorts': included,
      'traffic.sidecar.istio.io/excludeInboundPorts': '9000',
    });
    expect(warnings).toEqual(
      warned
        ? [
            'annotation "traffic.sidecar.istio.io/excludeInboundPorts" has no effect: exactly the ports that includeInboundPorts lists are captured',
          ]
        : [],
    );
  });

  test('only the first of many are guessed, because every guess costs comparisons', () => {
    const misspelt = Array.from({ length: 40 }, (_, at) => [`sidecar.istio.io/proxyCPU${at}`, 'x'] as const);
    const { warnings } = readAnnotations(Object.fromEntries(misspelt));
    expect(warnings).toHaveLength(40);
    expect(warnings.map((warning) => warning.includes('did you mean')).lastIndexOf(true)).toBe(15);
  });

  test.each(['sidecar.istio.io/inject', 'example.com/sidecar.istio.io', '__proto__', 'constructor'])(
    '%s is no concern of the table',
    (name) => {
      const values = Object.fromEntries([[name, 'x']]);
      const nothing = { effective: base, problems: [], warnings: [] };
      expect(readPodSettings({ annotations: values, labels: values }, base, [])).toEqual(nothing);
    },
  );
});

describe('resources', () => {
  const resources = (annotations: Record<string, string>) => readAnnotations(annotations);

  test('a limit below the default request takes the request with it, and the other way round', () => {
    expect(resources({ 'sidecar.istio.io/proxyCPULimit': '50m' }).effective.proxy.resources.requests.cpu).toBe('50m');
    expect(resources({ 'sidecar.istio.io/proxyMemory': '4Gi' }).effective.proxy.resources.limits.memory).toBe('4Gi');
  });

  test('a request above its limit is refused when the pod sets both', () => {
    const annotations = { 'sidecar.istio.io/proxyCPU': '2', 'sidecar.istio.io/proxyCPULimit': '1' };
    expect(resources(annotations).problems).toEqual([
      { where: 'sidecar.istio.io/proxyCPU', message: '"2" is above the limit "1"' },
    ]);
  });

  test("a profile's cap bounds what the pod may ask for", () => {
    const profile = { name: 'capped', namespaces: ['*'], caps: { cpu: '500m' } };
    const capped = resolveBase(settings, snapshotOf({ profiles: [profile] }).settings.profiles[0]);
    const annotations = { 'sidecar.istio.io/proxyCPULimit': '1', 'sidecar.istio.io/proxyCPU': '400m' };
    expect(readPodSettings({ annotations, labels: undefined }, capped, []).problems).toEqual([
      { where: 'sidecar.istio.io/proxyCPULimit', message: '"1" is above the profile\'s cap; allowed: at most 500m' },
    ]);
  });
});
