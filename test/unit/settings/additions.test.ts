import { describe, expect, test } from '@jest/globals';
import { mountAdditions, variableAdditions, volumeAdditions } from '../../../src/settings/additions.ts';
import type { Grammar } from '../../../src/grammar/grammar.ts';

function problem<T>(grammar: Grammar<T>, value: unknown): string {
  const parsed = grammar.parse(typeof value === 'string' ? value : JSON.stringify(value));
  return 'problem' in parsed ? parsed.problem : 'none';
}

describe('volumes', () => {
  test.each([
    ['emptyDir', { emptyDir: { medium: 'Memory' } }],
    ['configMap', { configMap: { name: 'c', optional: true } }],
    ['downwardAPI', { downwardAPI: { items: [] } }],
    ['projected', { projected: { sources: [{ configMap: { name: 'c' } }, { downwardAPI: {} }] } }],
    ['persistentVolumeClaim', { persistentVolumeClaim: { claimName: 'p' } }],
  ])('%s is taken, as an object and as a list', (_, source) => {
    const value = [{ ...source, name: 'v' }];
    expect(volumeAdditions.parse(JSON.stringify({ v: source }))).toEqual({ value });
    expect(volumeAdditions.parse(JSON.stringify(value))).toEqual({ value });
  });

  test.each<[string, unknown, string]>([
    ['hostPath', { v: { hostPath: { path: '/' } } }, 'has source "hostPath"'],
    ['a Secret', { v: { secret: { secretName: 's' } } }, 'has source "secret"'],
    ['a driver that reads Secrets', { v: { csi: { nodePublishSecretRef: { name: 's' } } } }, 'has source "csi"'],
    ['an inherited name', '{"v":{"__proto__":{}}}', 'has source "__proto__"'],
    ['a projected Secret', { v: { projected: { sources: [{ secret: { name: 's' } }] } } }, 'projects something else'],
    ['a token', { v: { projected: { sources: [{ serviceAccountToken: {} }] } } }, 'projects something else'],
    ['a Secret beside a ConfigMap', { v: { projected: { sources: [{ configMap: {}, secret: {} }] } } }, 'projects'],
    ['no source', { v: {} }, 'needs one source'],
    ['two sources', { v: { emptyDir: {}, hostPath: {} } }, 'needs one source'],
    ['a source that is no object', { v: { emptyDir: true } }, 'is no object'],
    ['a volume of the proxy', { 'istio-logs': { emptyDir: {} } }, 'is a volume of the proxy itself'],
    ['an odd name', { 'a/b': { emptyDir: {} } }, 'is no DNS label'],
    [
      'a name twice',
      [
        { name: 'v', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ],
      '"v" is there twice',
    ],
    [
      'too many',
      Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`v${i}`, { emptyDir: {} }])),
      'has 33 entries',
    ],
    ['text', '"x"', 'is JSON of another type'],
    ['no JSON', 'v: {}', 'is no JSON'],
    ['a list without names', [{ emptyDir: {} }], 'has another shape'],
  ])('%s is refused', (_, value, start) => {
    expect(problem(volumeAdditions, value)).toContain(start);
  });

  test('fields are read whatever their case, as Go reads them, and written as Kubernetes does', () => {
    const source = { ConfigMap: { NAME: 'c', items: [{ Key: 'k', PATH: 'p' }], defaultmode: 420 } };
    const value = [{ configMap: { name: 'c', items: [{ key: 'k', path: 'p' }], defaultMode: 420 }, name: 'configmap' }];
    expect(volumeAdditions.parse(JSON.stringify({ configmap: source }))).toEqual({ value });
    expect(volumeAdditions.parse(JSON.stringify([{ ...source, Name: 'configmap' }]))).toEqual({ value });
    expect(problem(volumeAdditions, { v: { HOSTPATH: { path: '/' } } })).toContain('has source "hostPath"');
    expect(problem(volumeAdditions, { v: { projected: { sources: [{ Secret: { name: 's' } }] } } })).toContain(
      'projects',
    );
  });

  test('all at once', () => {
    const found = problem(volumeAdditions, { a: { hostPath: {} }, b: { secret: {} }, c: { emptyDir: {} } });
    expect(found.split('; ').filter((part) => part.includes('has source'))).toHaveLength(2);
  });
});

describe('mounts', () => {
  test.each([
    '/cache',
    '/etc/envoy/extra',
    '/etc/certs',
    '/var/log/other',
    '/home/x/.config/..y',
    '/var/lib/x',
    '/tmp',
  ])('%s is taken', (path) => {
    expect(problem(mountAdditions, { v: { mountPath: path, subPath: 'a/b', readOnly: true } })).toBe('none');
  });

  test.each([
    '/',
    'cache',
    '/a/../usr',
    '/a/./b',
    '//usr',
    '/usr/',
    '/a:b',
    '/a\nb',
    '/usr/local/bin',
    '/lib',
    '/proc/1',
    '/var',
    '/var/log',
    '/var/log/istio',
    '/etc/istio/pod/labels',
    '/var/run/secrets/kubernetes.io/serviceaccount',
    '/var/run/secrets/kubernetes.io',
    '/var/run/istio-proxy',
    '/run/istio-proxy',
    '/etc',
    '/etc/ld.so.preload',
    '/etc/ld.so.cache',
    '/etc/ld.so.conf.d/x',
    '/etc/nsswitch.conf',
    '/etc/hosts',
    '/etc/bash.bashrc',
    '/etc/istio',
    '/root',
    '/boot',
    '/app',
    '/usrlocal',
    '/lib32',
    '/tmpx',
    '/dev/shm',
  ])('%j is refused', (path) => {
    expect(problem(mountAdditions, { v: { mountPath: path } })).toMatch(/needs a mountPath|is mounted at/);
  });

  test.each<[object, string]>([
    [{ mountPath: '/mnt/x', subPath: '../y' }, 'subPath'],
    [{ mountPath: '/mnt/x', subPath: 'a/../../y' }, 'subPath'],
    [{ mountPath: '/mnt/x', subPath: '/y' }, 'subPath'],
    [{ mountPath: '/mnt/x', subPathExpr: '$(POD_NAME)' }, 'has a field "subPathExpr"'],
    [{ mountPath: '/mnt/x', mountPropagation: 'Bidirectional' }, 'has a field "mountPropagation"'],
    [{ mountPath: '/mnt/x', readOnly: 'yes' }, 'readOnly'],
  ])('%j is refused', (mount, start) => {
    expect(problem(mountAdditions, { v: mount })).toContain(start);
  });

  test('one place for two volumes is refused', () => {
    expect(problem(mountAdditions, { v: { mountPath: '/mnt/x' }, w: { mountPath: '/mnt/x' } })).toBe(
      '"/mnt/x" is there twice',
    );
  });
});

describe('variables', () => {
  test.each<[string, unknown]>([
    ['text', { OTEL_A: 'x' }],
    ['empty text', { OTEL_A: '' }],
    ['a field', [{ name: 'OTEL_A', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }]],
    ['a ConfigMap', { OTEL_A: { valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } } }],
  ])('%s is taken', (_, value) => expect(problem(variableAdditions, value)).toBe('none'));

  test.each<[string, unknown, string]>([
    ['a Secret', { OTEL_A: { valueFrom: { secretKeyRef: {} } } }, 'may come from one of'],
    ['a Secret beside a field', { OTEL_A: { valueFrom: { fieldRef: {}, secretKeyRef: {} } } }, 'may come from one of'],
    ['a value and a source', [{ name: 'OTEL_A', value: 'x', valueFrom: { fieldRef: {} } }], 'may come from one of'],
    ['a number', { OTEL_A: { value: 5 } }, 'is no text'],
    ['an unknown field', { OTEL_A: { value: 'x', secret: 'y' } }, 'has a field "secret"'],
  ])('%s is refused', (_, value, start) => expect(problem(variableAdditions, value)).toContain(start));

  test.each(['TZ', 'OTEL_RESOURCE_ATTRIBUTES', 'ENVOY_X', 'TCMALLOC_A', 'PROXY_ZONE', 'ISTIO_META_X'])(
    '%s is a name that is taken',
    (name) => expect(problem(variableAdditions, { [name]: 'x' })).toBe('none'),
  );

  test.each([
    'LD_PRELOAD',
    'LD_AUDIT',
    'GLIBC_TUNABLES',
    'GCONV_PATH',
    'LOCPATH',
    'NLSPATH',
    'MALLOC_TRACE',
    'RES_OPTIONS',
    'SHELLOPTS',
    'BASHOPTS',
    'PS4',
    'BASH_ENV',
    'ENV',
    'IFS',
    'PATH',
    'PROMPT_COMMAND',
    'BASH_FUNC_ask%%',
    'CDPATH',
    'PERL5LIB',
    'PYTHONPATH',
    'NODE_OPTIONS',
    'HOME',
    'POD_IP',
    'POD_NAME',
    'A',
    '',
    'a b',
    'OTEL_',
    'OTEL_A=B',
    '__proto__',
    'otel_a',
    'XTZ',
    `OTEL_${'A'.repeat(300)}`,
  ])('%s is a name that is refused', (name) => {
    const found = problem(variableAdditions, `{${JSON.stringify(name)}: "x"}`);
    expect(found).toContain("is no variable of Envoy's; allowed: TZ and names that begin with ENVOY_");
  });
});

describe('keys of another case', () => {
  test('of mounts', () => {
    expect(mountAdditions.parse('[{"name":"v","mountpath":"/data","readonly":true,"SubPath":"x"}]')).toEqual({
      value: [{ name: 'v', mountPath: '/data', readOnly: true, subPath: 'x' }],
    });
    expect(problem(mountAdditions, { v: { mountpath: '/data', SUBPATH: '../x' } })).toContain('subPath');
  });

  test('of variables', () => {
    const written = { TZ: { valuefrom: { configmapkeyref: { name: 'c', KEY: 'k' } } } };
    expect(variableAdditions.parse(JSON.stringify(written))).toEqual({
      value: [{ name: 'TZ', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }],
    });
    expect(problem(variableAdditions, { TZ: { VALUEFROM: { SecretKeyRef: { name: 's' } } } })).toContain('alone');
  });
});
