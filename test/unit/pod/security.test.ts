import { expect, test } from '@jest/globals';
import { podSecurityLevel, podSecurityViolations } from '../../../src/pod/security.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const pod = (context: JsonObject, more: JsonObject = {}): JsonObject => ({
  containers: [{ name: 'a', securityContext: { ...hardened, ...context } }],
  ...more,
});

test.each<[string, JsonObject, string, string[]]>([
  ['a hardened one', pod({}), 'restricted', []],
  [
    'nothing said',
    { containers: [{ name: 'a' }] },
    'baseline',
    [
      'container "a": capabilities.drop without ALL',
      'container "a": allowPrivilegeEscalation is not false',
      'container "a": runAsNonRoot is not true',
      'container "a": no seccompProfile',
    ],
  ],
  [
    'said for the whole pod',
    {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } },
      containers: [
        { name: 'a', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
      ],
    },
    'restricted',
    [],
  ],
  ['privileged', pod({ privileged: true }), 'privileged', ['container "a": privileged']],
  [
    'a capability of the network',
    pod({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }),
    'privileged',
    ['container "a": capability NET_ADMIN'],
  ],
  ['a port below 1024', pod({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }), 'restricted', []],
  [
    'a capability of baseline',
    pod({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }),
    'baseline',
    ['container "a": capability CHOWN'],
  ],
  ['root', pod({ runAsUser: 0 }), 'baseline', ['container "a": runAsUser 0']],
  [
    'no seccomp',
    pod({ seccompProfile: { type: 'Unconfined' } }),
    'privileged',
    ['container "a": seccompProfile Unconfined'],
  ],
  [
    'a host path',
    pod({}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    'privileged',
    ['volume "v": hostPath'],
  ],
  ['another volume', pod({}, { volumes: [{ name: 'v', nfs: {} }] }), 'baseline', ['volume "v": nfs']],
  ['the host', pod({}, { hostPID: true }), 'privileged', ['the pod: hostPID']],
  [
    'a port of the host',
    { containers: [{ name: 'a', securityContext: hardened, ports: [{ containerPort: 1, hostPort: 80 }] }] },
    'privileged',
    ['container "a": hostPort 80'],
  ],
  [
    'a sysctl',
    pod({}, { securityContext: { sysctls: [{ name: 'kernel.msgmax' }] } }),
    'privileged',
    ['the pod: sysctl kernel.msgmax'],
  ],
])('%s', (_name, spec, level, expected) => {
  const violations = podSecurityViolations(spec);
  expect(violations.map(({ where, what }) => `${where}: ${what}`)).toEqual(expected);
  expect(podSecurityLevel(violations)).toBe(level);
});
