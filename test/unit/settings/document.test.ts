import { describe, expect, test } from '@jest/globals';
import { readSettings, readTemplate } from '../../../src/settings/document.ts';
import { resolveBase } from '../../../src/settings/effective.ts';

const configuration = (spec: unknown) => ({
  apiVersion: 'sidecar-injector.io/v1alpha1',
  kind: 'InjectorConfiguration',
  spec,
});

function problemsOf(input: unknown): string[] {
  const result = readSettings(input);
  return 'problems' in result ? result.problems.map(({ where, message }) => `${where}: ${message}`) : [];
}

describe('settings', () => {
  test('nothing at all, an empty spec and no spec give the same defaults', () => {
    const built = readSettings(undefined);
    expect(readSettings(configuration({}))).toEqual(built);
    expect(readSettings(configuration(undefined))).toEqual(built);
    expect('value' in built && built.value.proxy.image).toBe('envoyproxy/envoy:v1.40.0');
  });

  test.each<[string, unknown, string[]]>([
    ['an unknown key', configuration({ proxi: {} }), ['spec.proxi: unknown key, did you mean "proxy"?']],
    [
      'an unknown key deep inside',
      configuration({ proxy: { resources: { request: {} } } }),
      ['spec.proxy.resources.request: unknown key, did you mean "requests"?'],
    ],
    ['a key like no other', configuration({ probes: { zzz: 1 } }), ['spec.probes.zzz: unknown key; allowed: rewrite']],
    [
      'a bad image',
      configuration({ proxy: { image: 'a b' } }),
      [
        'spec.proxy.image: "a b" is not allowed; allowed: an image reference such as registry.example.com/envoy:v1.40.0, or with @sha256:…',
      ],
    ],
    [
      'bad ports',
      configuration({ capture: { excludeInboundPorts: '99999' } }),
      [
        'spec.capture.excludeInboundPorts: "99999" is not allowed; allowed: a comma list of ports 0-65535 and ranges such as 8000-8100',
      ],
    ],
    [
      'several at once',
      configuration({ probes: { rewrite: 'yes' }, injection: { policy: 'on' } }),
      [
        'spec.injection.policy: Invalid option: expected one of "enabled"|"disabled"',
        'spec.probes.rewrite: Invalid input: expected boolean, received string',
      ],
    ],
    [
      'a bad entry of a list',
      configuration({ profiles: [{ name: 'A' }] }),
      ['spec.profiles[0].name: allowed: a DNS label'],
    ],
    [
      'an unknown key in a list',
      configuration({ profiles: [{ name: 'a', resorces: {} }] }),
      ['spec.profiles[0].resorces: unknown key, did you mean "resources"?'],
    ],
    [
      'another version',
      { apiVersion: 'v1', kind: 'InjectorConfiguration' },
      ['apiVersion: Invalid input: expected "sidecar-injector.io/v1alpha1"'],
    ],
    ['no object', 'text', [': Invalid input: expected object, received string']],
  ])('%s', (_name, input, problems) => expect(problemsOf(input)).toEqual(problems));

  const defaults = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2', memory: '1Gi' } };

  test.each([
    [{ limits: { cpu: null } }, { ...defaults, limits: { memory: '1Gi' } }],
    [
      { requests: { cpu: null, memory: '64Mi' }, limits: { memory: null } },
      { requests: { memory: '64Mi' }, limits: { cpu: '2' } },
    ],
    [{ limits: { cpu: '4', 'ephemeral-storage': null } }, { ...defaults, limits: { cpu: '4', memory: '1Gi' } }],
    [{ limits: { memory: '2Gi' } }, { requests: {}, limits: { memory: '2Gi' } }],
  ])('null takes a default of the resources away: %j', (named, expected) => {
    const result = readSettings(configuration({ proxy: { resources: named } }));
    expect('value' in result && result.value.proxy.resources).toEqual(expected);
    expect('value' in result && result.value.capture.resources.limits).toEqual({ cpu: '100m', memory: '64Mi' });
  });

  test('null in a profile takes away what the settings have', () => {
    const profiles = [{ name: 'free', resources: { limits: { cpu: null }, requests: { cpu: '1' } } }];
    const result = readSettings(configuration({ profiles }));
    if (!('value' in result)) throw new Error('the settings are valid');
    expect(
      resolveBase(
        result.value,
        result.value.profiles.find(({ name }) => name === 'free'),
      ).proxy.resources,
    ).toEqual({
      requests: { cpu: '1', memory: '128Mi' },
      limits: { memory: '1Gi' },
    });
  });

  test.each([
    [
      { proxy: { resources: { limits: { cpu: [1] } } } },
      'allowed: a Kubernetes quantity such as 100m or 128Mi, or null for none',
    ],
    [
      { proxy: { resources: { limits: { cpu: 'much' } } } },
      '"much" is not allowed; allowed: a Kubernetes quantity such as 100m or 128Mi',
    ],
    [{ profiles: [{ name: 'a', caps: { cpu: null } }] }, 'Invalid input: expected string or number, received null'],
    [
      { mode: 'istiod', istiod: { values: { global: { tag: true } } } },
      'Invalid input: expected string or number, received boolean',
    ],
  ])('says what is allowed where there are alternatives: %j', (spec, message) => {
    const result = readSettings(configuration(spec));
    expect('problems' in result && result.problems.map((problem) => problem.message)).toEqual([message]);
  });

  test('quantities may be numbers, as YAML reads them', () => {
    const result = readSettings(configuration({ proxy: { resources: { limits: { cpu: 2 } } } }));
    expect('value' in result && result.value.proxy.resources.limits.cpu).toBe('2');
  });
});

describe('templates', () => {
  const template = (spec: unknown, name = 'log-shipper') => ({
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'SidecarTemplate',
    metadata: { name },
    spec,
  });

  test('fields of containers that we do not know stay', () => {
    const result = readTemplate(template({ containers: [{ name: 'a', image: 'b', brandNew: { x: 1 } }] }));
    expect('value' in result && result.value.spec.containers).toEqual([{ name: 'a', image: 'b', brandNew: { x: 1 } }]);
  });

  test.each([
    ['an unknown key', template({ container: [] }), 'spec.container: unknown key, did you mean "containers"?'],
    [
      'a container without a name',
      template({ containers: [{ image: 'a' }] }),
      'spec.containers[0].name: Invalid input: expected string, received undefined',
    ],
    ['a bad name', template({}, 'Log'), 'metadata.name: allowed: a DNS label'],
  ])('%s', (_name, input, expected) => {
    const result = readTemplate(input);
    expect('problems' in result && result.problems.map(({ where, message }) => `${where}: ${message}`)).toEqual([
      expected,
    ]);
  });
});
