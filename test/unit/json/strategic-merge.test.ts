import { describe, expect, test } from '@jest/globals';
import { overlay } from '../../../src/json/overlay.ts';
import { mergeNamed, strategicMerge } from '../../../src/json/strategic-merge.ts';

const named = (names: string) => names.split('').map((name) => ({ name }));

describe('strategic merge', () => {
  // Base, patch, result; capitals are in both.
  test.each([
    ['ab', 'xy', 'xyab'],
    ['aB', 'xBy', 'xaBy'],
    ['Ba', 'xBy', 'xBya'],
    ['aBcD', 'DB', 'acDB'],
    ['', 'xy', 'xy'],
    ['ab', '', 'ab'],
  ])('order of %j under %j is %j', (base, patch, expected) => {
    expect(mergeNamed(named(base), named(patch)).map(({ name }) => name)).toEqual(expected.split(''));
  });

  test('what the patch does not name stays the same object', () => {
    const [own = {}, other = {}] = named('ab');
    const merged = mergeNamed([own, other], [{ name: 'b', more: 1 }]);
    expect(merged[0]).toBe(own);
    expect(merged[1]).toEqual({ name: 'b', more: 1 });
  });

  test.each([
    [{ a: 1, b: { c: 1 } }, { b: { d: 2 } }, { a: 1, b: { c: 1, d: 2 } }],
    [{ a: 1, b: 2 }, { b: null }, { a: 1 }],
    [{ args: ['x', 'y'] }, { args: ['z'] }, { args: ['z'] }],
    [{ a: { b: 1 } }, { a: { $patch: 'replace', c: 2 } }, { a: { c: 2 } }],
    [{ env: [{ name: 'a' }, { name: 'b' }] }, { env: [{ name: 'a', $patch: 'delete' }] }, { env: [{ name: 'b' }] }],
    [
      { ports: [{ containerPort: 1, name: 'x' }] },
      { ports: [{ containerPort: 1, protocol: 'UDP' }] },
      { ports: [{ containerPort: 1, name: 'x', protocol: 'UDP' }] },
    ],
    [{}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    [
      { readinessProbe: { httpGet: { port: 1 }, periodSeconds: 2 } },
      { readinessProbe: { exec: { command: ['x'] } } },
      { readinessProbe: { exec: { command: ['x'] }, periodSeconds: 2 } },
    ],
    [
      { readinessProbe: { httpGet: { port: 1, path: '/' } } },
      { readinessProbe: { httpGet: { port: 2 } } },
      { readinessProbe: { httpGet: { port: 2, path: '/' } } },
    ],
    [
      { lifecycle: { preStop: { exec: { command: ['x'] } }, postStart: { sleep: { seconds: 1 } } } },
      { lifecycle: { preStop: { sleep: { seconds: 2 } } } },
      { lifecycle: { preStop: { sleep: { seconds: 2 } }, postStart: { sleep: { seconds: 1 } } } },
    ],
    [
      { env: [{ name: 'A', value: 'x' }] },
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] },
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] },
    ],
    [
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
      { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
    ],
    [
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', secret: { $patch: 'delete' }, hostPath: null }] },
      { volumes: [{ name: 'v', emptyDir: {} }] },
    ],
    [
      { volumes: [{ name: 'v', csi: { driver: 'd' } }] },
      { volumes: [{ name: 'v' }] },
      { volumes: [{ name: 'v', csi: { driver: 'd' } }] },
    ],
    [
      { volumeMounts: [{ mountPath: '/v', subPath: 'x' }] },
      { volumeMounts: [{ mountPath: '/v', subPathExpr: '$(X)' }] },
      { volumeMounts: [{ mountPath: '/v', subPathExpr: '$(X)' }] },
    ],
    [
      { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'x' } } },
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
    ],
    [
      { ports: [{ containerPort: 1, name: 'x' }] },
      { ports: [{ containerPort: 2, name: 'x' }] },
      { ports: [{ containerPort: 2, name: 'x' }, { containerPort: 1 }] },
    ],
    [
      {
        ports: [
          { containerPort: 1, name: 'x' },
          { containerPort: 1, name: 'z', protocol: 'UDP' },
        ],
      },
      {
        ports: [
          { containerPort: 1, name: 'z' },
          { containerPort: 1, protocol: 'UDP' },
        ],
      },
      {
        ports: [
          { containerPort: 1, name: 'z' },
          { containerPort: 1, protocol: 'UDP' },
        ],
      },
    ],
  ])('%j under %j is %j', (base, patch, expected) => {
    expect(strategicMerge(base, patch)).toEqual(expected);
  });
});

describe('overlay', () => {
  test.each([
    [
      { readinessProbe: { httpGet: { port: 1, path: '/' }, periodSeconds: 2 } },
      { readinessProbe: { httpGet: { port: 2 } } },
      { readinessProbe: { httpGet: { port: 2 }, periodSeconds: 2 } },
    ],
    [
      { livenessProbe: { grpc: { port: 1 } } },
      { livenessProbe: { tcpSocket: { port: 2 } } },
      { livenessProbe: { tcpSocket: { port: 2 } } },
    ],
    [
      { startupProbe: { exec: { command: ['x'] }, periodSeconds: 2 } },
      { startupProbe: { periodSeconds: 3, exec: null } },
      { startupProbe: { periodSeconds: 3 } },
    ],
    [
      {
        env: [
          { name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } },
          { name: 'B', value: 'b' },
        ],
      },
      {
        env: [
          { name: 'A', value: 'first' },
          { name: 'A', value: 'last' },
        ],
      },
      {
        env: [
          { name: 'A', value: 'last' },
          { name: 'B', value: 'b' },
        ],
      },
    ],
    [
      { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] },
      { volumes: [{ name: 'v', ephemeral: {} }] },
      { volumes: [{ name: 'v', ephemeral: {} }] },
    ],
    [
      { ports: [{ containerPort: 1, name: 'x', protocol: 'TCP' }] },
      { ports: [{ containerPort: 1, name: 'x', protocol: 'SCTP' }] },
      {
        ports: [
          { containerPort: 1, protocol: 'TCP' },
          { containerPort: 1, name: 'x', protocol: 'SCTP' },
        ],
      },
    ],
  ])('%j under %j is %j', (base, patch, expected) => {
    expect(overlay(base, patch)).toEqual(expected);
  });
});
