import { describe, expect, test } from '@jest/globals';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { templateObject } from '../../support/builders/templates.ts';

function problemsOf(...specs: readonly (readonly [name: string, spec: object])[]): string[] {
  const result = createSnapshot({ templates: specs.map(([name, spec]) => templateObject(name, spec)) });
  return 'problems' in result ? result.problems.map(describeProblem) : [];
}

const shipper = { name: 'shipper', image: 'shipper:1', env: [{ name: 'HOST', value: 'logs' }], args: ['-v'] };
const withParameter = (parameter: object, more: object = {}) => ({
  containers: [shipper],
  parameters: [{ annotation: 'a.example.com/b', field: '/containers/0/env/0/value', type: 'string', ...parameter }],
  ...more,
});

describe('what is wrong with a template is said with its place', () => {
  test.each<[string, object, readonly string[]]>([
    ['a misspelt key', { paramters: [] }, ['templates[0].spec.paramters: unknown key, did you mean "parameters"?']],
    [
      'a misspelt key of a share',
      { share: [{ path: '/a', wiht: [] }] },
      [
        'templates[0].spec.share[0].with: Invalid input: expected array, received undefined',
        'templates[0].spec.share[0].wiht: unknown key, did you mean "with"?',
      ],
    ],
    ['no image', { containers: [{ name: 'a' }] }, ['templates[0].spec.containers[0].image: is missing']],
    [
      'one name twice',
      { containers: [shipper], initContainers: [shipper] },
      ['templates[0].spec.containers[0].name: "shipper" is there twice'],
    ],
    [
      'a mount of a volume that is not there',
      { containers: [{ ...shipper, volumeMounts: [{ name: 'stat', mountPath: '/s' }] }], volumes: [{ name: 'state' }] },
      [
        'templates[0].spec.containers[0].volumeMounts[0].name: "stat" is not a volume of the template, did you mean "state"?',
      ],
    ],
    [
      'two mounts at one path, one of them shared',
      {
        containers: [{ ...shipper, volumeMounts: [{ name: 'state', mountPath: '/logs' }] }],
        volumes: [{ name: 'state' }],
        share: [{ path: '/logs', with: [{ container: 'shipper' }] }],
      },
      ['templates[0].spec.containers[0].volumeMounts: "/logs" is there twice'],
    ],
    [
      'files shared with a container that is not there',
      { containers: [shipper], share: [{ path: '/logs', with: [{ container: 'shiper' }] }] },
      [
        'templates[0].spec.share[0].with[0].container: "shiper" is not a container of the template, did you mean "shipper"?',
      ],
    ],
    [
      'a pointer to nothing',
      withParameter({ field: '/containers/1/env/0/value' }),
      [
        'templates[0].spec.parameters[0].field: "/containers/1/env/0/value" leads nowhere: the template has nothing there',
      ],
    ],
    [
      'a field that would give a pod more than its author may have',
      withParameter({ field: '/containers/0/securityContext/privileged', type: 'boolean' }),
      [
        'templates[0].spec.parameters[0].field: "/containers/0/securityContext/privileged" is no field that a pod may set (docs/sidecars.md lists them)',
      ],
    ],
    [
      'a host path',
      withParameter({ field: '/volumes/0/hostPath/path', type: 'path' }),
      [
        'templates[0].spec.parameters[0].field: "/volumes/0/hostPath/path" is no field that a pod may set (docs/sidecars.md lists them)',
      ],
    ],
    [
      'an image of any text',
      withParameter({ field: '/containers/0/image' }),
      ['templates[0].spec.parameters[0].type: does not fit /containers/0/image; allowed: image'],
    ],
    [
      'an image without a list',
      withParameter({ field: '/containers/0/image', type: 'image' }),
      ['templates[0].spec.parameters[0].allowed: is missing: the images that a pod may name'],
    ],
    [
      'a bound of another type',
      withParameter({ minimum: 1 }),
      ['templates[0].spec.parameters[0].minimum: bounds no string; allowed: pattern, enum, maxLength'],
    ],
    [
      'a pattern that is none',
      withParameter({ pattern: '(' }),
      ['templates[0].spec.parameters[0].pattern: "(" is no regular expression'],
    ],
    [
      'a default out of bounds',
      withParameter({ type: 'integer', maximum: 5, default: 6 }),
      ['templates[0].spec.parameters[0].default: "6" is not allowed; allowed: an integer from 0 to 5'],
    ],
    [
      'a default that is never used',
      withParameter({ default: 'x', required: true }),
      ['templates[0].spec.parameters[0].default: is never used by a required parameter'],
    ],
    [
      'no default and nothing in the template',
      withParameter({ field: '/labels/tier' }),
      ['templates[0].spec.parameters[0].default: the template has no tier there; give a default or `required: true`'],
    ],
    [
      "one of the product's own annotations",
      withParameter({ annotation: 'sidecar.istio.io/inject' }),
      [
        'templates[0].spec.parameters[0].annotation: "sidecar.istio.io/inject" has a reserved prefix; allowed: one of your own, such as NAME.sidecar-injector.io/',
      ],
    ],
    [
      'a probe that holds the pod back although it goes on',
      {
        failure: 'podGoesOn',
        containers: [{ ...shipper, readinessProbe: {} }],
        initContainers: [{ name: 'i', image: 'i' }],
      },
      [
        'templates[0].spec.initContainers[0]: an init container holds the pod back when it fails, against podGoesOn',
        'templates[0].spec.containers[0].readinessProbe: holds the pod back, against podGoesOn',
      ],
    ],
    [
      'no probe that the pod could wait for',
      { failure: 'podWaits', mode: 'native', containers: [shipper] },
      [
        'templates[0].spec.containers[0].startupProbe: is missing: with podWaits the pod waits for it',
        'templates[0].spec.containers[0].readinessProbe: is missing: with podWaits the pod waits for it',
      ],
    ],
  ])('%s', (_name, spec, expected) => expect(problemsOf(['a', spec])).toEqual(expected));

  test('all of them at once, for all templates', () => {
    expect(problemsOf(['a', { containers: [{ name: 'a' }] }], ['b', { base: 'c' }], ['sidecar', {}])).toEqual([
      'templates[2].metadata.name: "sidecar" is reserved for the built-in proxy',
      'templates[0].spec.containers[0].image: is missing',
      'templates[1].spec.base: "c" is not a template; known: a, b, sidecar',
    ]);
  });
});

describe('a template over a base', () => {
  const base = {
    containers: [
      {
        name: 'agent',
        image: 'agent:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
    ],
    volumes: [{ name: 'state', emptyDir: {} }],
    labels: { tier: 'base' },
  };

  test('is merged by the keys of Kubernetes, and null takes away', () => {
    const over = {
      base: 'base',
      containers: [
        {
          name: 'agent',
          image: 'agent:2',
          env: [
            { name: 'B', value: '3' },
            { name: 'C', value: '4' },
          ],
        },
        { name: 'helper', image: 'helper:1' },
      ],
      volumes: [{ name: 'state', emptyDir: null, configMap: { name: 'x' } }],
    };
    const snapshot = snapshotOf({}, { templates: [templateObject('over', over), templateObject('base', base)] });
    expect(snapshot.templates.get('over')?.spec).toEqual({
      containers: [
        {
          name: 'agent',
          image: 'agent:2',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '3' },
            { name: 'C', value: '4' },
          ],
        },
        { name: 'helper', image: 'helper:1' },
      ],
      volumes: [{ name: 'state', configMap: { name: 'x' } }],
      labels: { tier: 'base' },
    });
  });

  test('goes through several, and a version is not inherited', () => {
    const snapshot = snapshotOf(
      {},
      {
        templates: [
          templateObject('a', { ...base, version: '1' }),
          templateObject('a', { base: 'a:1', version: 2, labels: { more: 'yes' } }),
          templateObject('b', { base: 'a:2' }),
        ],
      },
    );
    expect([...snapshot.templates.keys()]).toEqual(['a:1', 'a:2', 'b']);
    expect(snapshot.templates.get('b')?.spec).toEqual({ ...base, labels: { tier: 'base', more: 'yes' } });
  });

  test.each([
    ['itself', [['a', { base: 'a' }]], ['templates[0].spec.base: is a circle: a -> a']],
    [
      'each other',
      [
        ['a', { base: 'b' }],
        ['b', { base: 'a' }],
      ],
      ['templates[0].spec.base: is a circle: a -> b -> a', 'templates[1].spec.base: is a circle: b -> a -> b'],
    ],
    [
      'a misspelt one',
      [
        ['base', base],
        ['b', { base: 'bsae' }],
      ],
      ['templates[1].spec.base: "bsae" is not a template, did you mean "base"?; known: base, b'],
    ],
  ] as [string, [string, object][], string[]][])('on %s is refused', (_name, specs, expected) => {
    expect(problemsOf(...specs)).toEqual(expected);
  });

  test('is checked as a whole', () => {
    expect(
      problemsOf(
        ['base', base],
        ['b', { base: 'base', volumes: [{ name: 'state' }], containers: [{ name: 'agent', image: null }] }],
      ),
    ).toEqual(['templates[1].spec.containers[0].image: is missing']);
  });
});
