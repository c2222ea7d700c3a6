import { describe, expect, test } from '@jest/globals';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { resolveBase, type Effective } from '../../../src/settings/effective.ts';
import { readPodSettings } from '../../../src/settings/pod-settings.ts';
import { snapshotOf } from '../../support/snapshots.ts';

const { settings } = snapshotOf();
const base = resolveBase(settings, undefined);
const traffic = 'traffic.sidecar.istio.io';

interface Row {
  readonly good: string;
  readonly effect: (effective: Effective) => unknown;
  readonly value: unknown;
  readonly bad: string;
  readonly message: string;
}

const ports = 'a comma list of ports 0-65535 and ranges such as 8000-8100';
const cidrs = 'a comma list of CIDRs such as 10.0.0.0/8 or 2001:db8::/32';
const quantity = 'a Kubernetes quantity such as 100m or 128Mi';
const one = (port: number) => ({ first: port, last: port });

/** A good value with its effect and a bad one with its sentence, for every row of the table. */
const rows: Record<string, Row> = {
  'inject.istio.io/templates': {
    good: 'sidecar,other',
    effect: ({ templates }) => templates,
    value: ['sidecar', 'other'],
    bad: 'Sidecar',
    message: '"Sidecar" is not allowed; allowed: a comma list of template names',
  },
  'sidecar.istio.io/nativeSidecar': {
    good: 'false',
    effect: ({ nativeSidecar }) => nativeSidecar,
    value: false,
    bad: 'no',
    message: '"no" is not allowed; allowed: true, false',
  },
  'sidecar.istio.io/proxyImage': {
    good: 'envoyproxy/envoy:v1.40.0',
    effect: ({ proxy }) => proxy.image,
    value: 'envoyproxy/envoy:v1.40.0',
    bad: 'evil/envoy:v1',
    message: '"evil/envoy:v1" is not allowed; allowed: envoyproxy/envoy:v1.40.0',
  },
  'sidecar.istio.io/logLevel': {
    good: 'debug',
    effect: ({ proxy }) => proxy.logLevel,
    value: 'debug',
    bad: 'loud',
    message: '"loud" is not allowed; allowed: trace, debug, info, warning, warn, error, critical, off',
  },
  'sidecar.istio.io/componentLogLevel': {
    good: 'http2:debug',
    effect: ({ proxy }) => proxy.componentLogLevel,
    value: 'http2:debug',
    bad: 'http2',
    message:
      '"http2" is not allowed; allowed: a comma list of component:level, level one of trace, debug, info, warning, warn, error, critical, off',
  },
  'sidecar.istio.io/rewriteAppHTTPProbers': {
    good: 'False',
    effect: ({ rewriteProbes }) => rewriteProbes,
    value: false,
    bad: 'maybe',
    message: '"maybe" is not allowed; allowed: true, false',
  },
  'status.sidecar.istio.io/port': {
    good: '16000',
    effect: ({ proxy }) => proxy.statusPort,
    value: 16_000,
    bad: '15001',
    message: '"15001" is a port of the proxy itself; allowed: any other port',
  },
  'readiness.status.sidecar.istio.io/initialDelaySeconds': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.initialDelaySeconds,
    value: 7,
    bad: '-1',
    message: '"-1" is not allowed; allowed: an integer from 0 to 86400',
  },
  'readiness.status.sidecar.istio.io/periodSeconds': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.periodSeconds,
    value: 7,
    bad: '0',
    message: '"0" is not allowed; allowed: an integer from 1 to 86400',
  },
  'readiness.status.sidecar.istio.io/failureThreshold': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.failureThreshold,
    value: 7,
    bad: '1.5',
    message: '"1.5" is not allowed; allowed: an integer from 1 to 10000',
  },
  'sidecar.istio.io/proxyCPU': {
    good: '200m',
    effect: ({ proxy }) => proxy.resources,
    value: { requests: { cpu: '200m', memory: '128Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    bad: '200 m',
    message: `"200 m" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyMemory': {
    good: '256Mi',
    effect: ({ proxy }) => proxy.resources.requests.memory,
    value: '256Mi',
    bad: '256MB',
    message: `"256MB" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyCPULimit': {
    good: '4',
    effect: ({ proxy }) => proxy.resources.limits,
    value: { cpu: '4', memory: '1Gi' },
    bad: '-4',
    message: `"-4" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/proxyMemoryLimit': {
    good: '2Gi',
    effect: ({ proxy }) => proxy.resources.limits.memory,
    value: '2Gi',
    bad: '2Gi\nprivileged: true',
    message: `"2Gi\\nprivileged: true" is not allowed; allowed: ${quantity}`,
  },
  'sidecar.istio.io/interceptionMode': {
    good: 'NONE',
    effect: ({ capture }) => capture.mode,
    value: 'NONE',
    bad: 'TPROXY',
    message: '"TPROXY" needs a proxy with NET_ADMIN, which is not offered; allowed: REDIRECT, NONE',
  },
  [`${traffic}/includeOutboundIPRanges`]: {
    good: '10.0.0.0/8,2001:db8::/32',
    effect: ({ capture }) => capture.includeOutboundIPRanges,
    value: ['10.0.0.0/8', '2001:db8::/32'],
    bad: '10.0.0.0',
    message: `"10.0.0.0" is not allowed; allowed: * or ${cidrs}`,
  },
  [`${traffic}/excludeOutboundIPRanges`]: {
    good: '10.0.0.1/32',
    effect: ({ capture }) => capture.excludeOutboundIPRanges,
    value: ['169.254.169.254/32', '10.0.0.1/32'],
    bad: '*',
    message: `"*" is not allowed; allowed: ${cidrs}`,
  },
  [`${traffic}/includeOutboundPorts`]: {
    good: '80',
    effect: ({ capture }) => capture.includeOutboundPorts,
    value: [one(80)],
    bad: '80;443',
    message: `"80;443" is not allowed; allowed: ${ports}`,
  },
  [`${traffic}/excludeOutboundPorts`]: {
    good: '3306,5432',
    effect: ({ capture }) => capture.excludeOutboundPorts,
    value: [one(3306), one(5432)],
    bad: '*',
    message: `"*" is not allowed; allowed: ${ports}`,
  },
  [`${traffic}/includeInboundPorts`]: {
    good: '*',
    effect: ({ capture }) => capture.includeInboundPorts,
    value: 'all',
    bad: '70000',
    message: `"70000" is not allowed; allowed: * or ${ports}`,
  },
  [`${traffic}/excludeInboundPorts`]: {
    good: '9000-9010',
    effect: ({ capture }) => capture.excludeInboundPorts,
    value: [{ first: 9000, last: 9010 }],
    bad: '9010-9000',
    message: `"9010-9000" is not allowed; allowed: ${ports}`,
  },
  [`${traffic}/excludeInterfaces`]: {
    good: 'eth1',
    effect: ({ capture }) => capture.excludeInterfaces,
    value: ['eth1'],
    bad: 'eth1 -j ACCEPT',
    message:
      '"eth1 -j ACCEPT" is not allowed; allowed: a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)',
  },
};

describe('the annotation table', () => {
  test('every row has a good and a bad value here', () => {
    expect(Object.keys(rows).toSorted()).toEqual(annotationTable.map(({ name }) => name).toSorted());
  });

  test.each(Object.entries(rows))('%s takes a good value', (name, row) => {
    const read = readPodSettings({ [name]: row.good }, base, []);
    expect(read.problems).toEqual([]);
    expect(row.effect(read.effective)).toEqual(row.value);
  });

  test.each(Object.entries(rows))('%s refuses a bad value and says what is allowed', (name, row) => {
    expect(readPodSettings({ [name]: row.bad }, base, []).problems).toEqual([{ where: name, message: row.message }]);
  });

  test('the base itself comes back, and is never changed', () => {
    const before = JSON.stringify(base);
    expect(readPodSettings(undefined, base, []).effective).toBe(base);
    expect(readPodSettings({ 'example.com/x': 'y' }, base, []).effective).toBe(base);
    for (const [name, row] of Object.entries(rows)) readPodSettings({ [name]: row.good }, base, []);
    expect(JSON.stringify(base)).toBe(before);
  });

  test('all problems of a pod come back at once', () => {
    const annotations = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.bad]));
    expect(
      readPodSettings(annotations, base, [])
        .problems.map(({ where }) => where)
        .toSorted(),
    ).toEqual(Object.keys(rows).toSorted());
  });

  test.each([null, 5, true, {}])('a value that is no string: %j', (value) => {
    const { problems } = readPodSettings({ 'sidecar.istio.io/proxyCPU': value }, base, []);
    expect(problems).toEqual([
      { where: 'sidecar.istio.io/proxyCPU', message: `must be a string; allowed: ${quantity}` },
    ]);
  });

  test.each([
    ['sidecar.istio.io/proxyCPULimt', ', did you mean "sidecar.istio.io/proxyCPULimit"?'],
    ['traffic.sidecar.istio.io/excludeOutboundPort', ', did you mean "traffic.sidecar.istio.io/excludeOutboundPorts"?'],
    ['sidecar-injector.io/nothing-like-it', ''],
  ])('an unknown annotation of ours is remarked: %s', (name, suggestion) => {
    expect(readPodSettings({ [name]: 'x' }, base, []).remarks).toEqual([
      `annotation ${JSON.stringify(name)} is unknown and has no effect${suggestion}`,
    ]);
  });

  test.each(['sidecar.istio.io/inject', 'example.com/sidecar.istio.io', '__proto__', 'constructor'])(
    '%s is no concern of the table',
    (name) => {
      const annotations = Object.fromEntries([[name, 'x']]);
      expect(readPodSettings(annotations, base, [])).toEqual({ effective: base, problems: [], remarks: [] });
    },
  );
});

describe('resources', () => {
  const resources = (annotations: Record<string, string>) => readPodSettings(annotations, base, []);

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
    expect(readPodSettings(annotations, capped, []).problems).toEqual([
      { where: 'sidecar.istio.io/proxyCPULimit', message: '"1" is above the profile\'s cap; allowed: at most 500m' },
    ]);
  });
});

test('an image of the allow-list is taken', () => {
  const annotations = { 'sidecar.istio.io/proxyImage': 'registry.example.com/envoy:v2' };
  const read = readPodSettings(annotations, base, ['registry.example.com/*']);
  expect(read.problems).toEqual([]);
  expect(read.effective.proxy.image).toBe('registry.example.com/envoy:v2');
});
