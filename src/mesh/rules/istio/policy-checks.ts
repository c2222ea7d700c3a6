import type { Effect, Finding } from '../finding.ts';
import type { IstioPolicy } from './traffic-policy.ts';

/** Makes a finding about a field of one policy. */
type Say = (effect: Effect, code: string, field: string, sentence: string) => Finding;

/** The four blocks, which ports have as well. */
type Blocks = Pick<IstioPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>;

interface Policies {
  readonly trafficPolicy?: IstioPolicy | undefined;
  readonly subsets?: readonly { readonly name: string; readonly trafficPolicy?: IstioPolicy | undefined }[] | undefined;
}

function given(object: object, names?: readonly string[]): readonly string[] {
  return Object.entries(object)
    .filter(([name, value]) => value !== undefined && (names === undefined || names.includes(name)))
    .map(([name]) => name);
}

const hashKeys = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'];
const hashTables = ['ringHash', 'maglev', 'minimumRingSize'];

function checkLoadBalancer({ loadBalancer }: Blocks, say: Say): Finding[] {
  if (loadBalancer === undefined) return [];
  const { simple, consistentHash } = loadBalancer;
  const findings: Finding[] = [];
  if (simple !== undefined && consistentHash !== undefined) {
    const sentence = 'has simple and consistentHash; allowed: one of them';
    findings.push(say('refused', 'Contradiction', '/loadBalancer', sentence));
  }
  if (consistentHash === undefined) return findings;
  const [keys, tables] = [given(consistentHash, hashKeys), given(consistentHash, hashTables)];
  const at = '/loadBalancer/consistentHash';
  if (keys.length !== 1) {
    const has = keys.length === 0 ? 'does not say by what' : `has ${keys.join(' and ')}`;
    findings.push(say('refused', 'Contradiction', at, `${has}; allowed: one of ${hashKeys.join(', ')}`));
  }
  if (consistentHash.useSourceIp === false) {
    findings.push(say('refused', 'InvalidValue', `${at}/useSourceIp`, 'false picks by nothing; leave the hash out'));
  }
  if (tables.length > 1) {
    findings.push(say('refused', 'Contradiction', at, `has ${tables.join(' and ')}; allowed: one of them`));
  }
  if (consistentHash.minimumRingSize !== undefined) {
    const sentence = 'is old; use ringHash: {minimumRingSize: …}';
    findings.push(say('warning', 'Deprecated', `${at}/minimumRingSize`, sentence));
  }
  return findings;
}

function checkPool({ connectionPool }: Blocks, say: Say): Finding[] {
  if (connectionPool === undefined) return [];
  if (given(connectionPool).length === 0) {
    return [say('refused', 'InvalidValue', '/connectionPool', 'is empty; allowed: tcp and http')];
  }
  const { http } = connectionPool;
  if (http?.h2UpgradePolicy !== 'UPGRADE' || http.useClientProtocol !== true) return [];
  const sentence = 'has useClientProtocol beside h2UpgradePolicy: UPGRADE; allowed: one of them';
  return [say('refused', 'Contradiction', '/connectionPool/http', sentence)];
}

function checkEjection({ outlierDetection }: Blocks, say: Say): Finding[] {
  if (outlierDetection === undefined) return [];
  const { consecutiveErrors, consecutiveLocalOriginFailures = 0, splitExternalLocalOriginErrors } = outlierDetection;
  const at = '/outlierDetection';
  return [
    ...(consecutiveErrors === undefined
      ? []
      : [
          say('warning', 'NoEffect', `${at}/consecutiveErrors`, 'has no effect, as in Istio; use consecutive5xxErrors'),
        ]),
    ...(consecutiveLocalOriginFailures > 0 && splitExternalLocalOriginErrors !== true
      ? [
          say(
            'refused',
            'Contradiction',
            `${at}/consecutiveLocalOriginFailures`,
            'needs splitExternalLocalOriginErrors: true; add it',
          ),
        ]
      : []),
  ];
}

function checkTls({ tls }: Blocks, say: Say): Finding[] {
  if (tls === undefined) return [];
  const verified = given(tls, ['caCertificates', 'subjectAltNames']);
  if (tls.insecureSkipVerify === true && tls.mode === 'SIMPLE' && verified.length > 0) {
    const sentence = `has ${verified.join(' and ')} beside insecureSkipVerify, which verifies nothing; leave one of them out`;
    return [say('refused', 'Contradiction', '/tls', sentence)];
  }
  const unused = {
    DISABLE: ['sni', 'subjectAltNames', 'caCertificates', 'insecureSkipVerify'],
    ISTIO_MUTUAL: ['caCertificates', 'insecureSkipVerify'],
    SIMPLE: [],
  }[tls.mode];
  return [
    ...given(tls, unused).map((name) =>
      say('warning', 'NoEffect', `/tls/${name}`, `has no effect in mode ${tls.mode}`),
    ),
    ...(tls.mode === 'SIMPLE' && tls.caCertificates !== undefined
      ? [
          say(
            'warning',
            'FileOfProxies',
            '/tls/caCertificates',
            `"${tls.caCertificates}" has to be in the proxy of every client; one without it cannot call the Service`,
          ),
        ]
      : []),
  ];
}

function checkBlocks(blocks: Blocks, say: Say): Finding[] {
  return [checkLoadBalancer, checkPool, checkEjection, checkTls].flatMap((check) => check(blocks, say));
}

function checkCircuitBreaker({ circuitBreaker, outlierDetection }: IstioPolicy, say: Say): Finding[] {
  if (circuitBreaker === undefined) return [];
  if (outlierDetection !== undefined) {
    const sentence = 'stands beside outlierDetection, which means the same; take circuitBreaker out';
    return [say('refused', 'Contradiction', '/circuitBreaker', sentence)];
  }
  const names = given(circuitBreaker).map((name) => (name === 'consecutiveErrors' ? 'consecutive5xxErrors' : name));
  const fields = names.length === 0 ? '' : `, with the fields ${names.join(', ')}`;
  const sentence = `is not a field of Istio, which refuses it; it is read as outlierDetection: use that name${fields}`;
  return [say('warning', 'NotOfTheApi', '/circuitBreaker', sentence)];
}

function checkPolicy(policy: IstioPolicy | undefined, say: Say): Finding[] {
  if (policy === undefined) return [];
  if (given(policy).length === 0) {
    const allowed = 'loadBalancer, connectionPool, outlierDetection, tls and portLevelSettings';
    return [say('refused', 'InvalidValue', '', `is empty; allowed: ${allowed}`)];
  }
  const ports = policy.portLevelSettings ?? [];
  return [
    ...checkBlocks(policy, say),
    ...checkCircuitBreaker(policy, say),
    ...ports.flatMap((settings, index) => {
      const at = `/portLevelSettings/${index}`;
      const isSecond = ports.findIndex(({ port }) => port.number === settings.port.number) < index;
      return [
        ...(isSecond
          ? [
              say(
                'warning',
                'NoEffect',
                `${at}/port/number`,
                `${settings.port.number} is here a second time; only the first one counts`,
              ),
            ]
          : []),
        ...(given(settings).length === 1
          ? [
              say(
                'refused',
                'InvalidValue',
                at,
                'has only a port; allowed: loadBalancer, connectionPool, outlierDetection and tls',
              ),
            ]
          : []),
        ...checkBlocks(settings, (effect, code, field, sentence) => say(effect, code, at + field, sentence)),
      ];
    }),
  ];
}

/** Returns what is to be said of policies: fields that contradict each other, or have no effect. */
export function checkPolicies({ trafficPolicy, subsets = [] }: Policies): readonly Finding[] {
  const at =
    (pointer: string): Say =>
    (effect, code, field, sentence) => ({ field: pointer + field, effect, code, sentence });
  return [
    ...checkPolicy(trafficPolicy, at('/spec/trafficPolicy')),
    ...subsets.flatMap((subset, index) => [
      ...(subsets.findIndex(({ name }) => name === subset.name) < index
        ? [
            at(`/spec/subsets/${index}/name`)(
              'refused',
              'InvalidValue',
              '',
              `"${subset.name}" is the name of another subset`,
            ),
          ]
        : []),
      ...checkPolicy(subset.trafficPolicy, at(`/spec/subsets/${index}/trafficPolicy`)),
    ]),
  ];
}
