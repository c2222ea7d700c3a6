import { describe, expect, test } from '@jest/globals';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

/*
 * What Istio's agent and istiod need of a pod. Found by leaving each out beside a real istiod; the first part is what
 * nothing works without.
 */
const app = istioPod({ labels: { app: 'shop' } }, { containers: [{ name: 'app', ports: [{ containerPort: 8080 }] }] });

function args(injected: Injected, name: string): unknown {
  return injected.container(name)?.['args'];
}

describe.each([
  ['native', 'always'],
  ['classic', 'never'],
])('%s', (_title, nativeSidecars) => {
  const injected = injectWithIstiod(app, istiodSnapshot({}, { spec: { injection: { nativeSidecars } } }));

  describe('never Ready, or dead under STRICT, without', () => {
    test('arguments `proxy sidecar`', () => {
      expect(args(injected, 'istio-proxy')).toEqual(expect.arrayContaining(['proxy', 'sidecar']));
      expect((args(injected, 'istio-proxy') as string[]).slice(0, 2)).toEqual(['proxy', 'sidecar']);
    });

    test.each([
      ['POD_NAMESPACE', 'metadata.namespace'],
      ['POD_NAME', 'metadata.name'],
    ])('%s', (name, value) => {
      expect(injected.variable(name)).toBe(value);
    });

    test('the token, for the audience that istiod asks for', () => {
      expect(injected.mountPath('istio-token')).toBe('/var/run/secrets/tokens');
      expect(injected.volume('istio-token')).toEqual({
        name: 'istio-token',
        projected: {
          sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } }],
        },
      });
    });

    test.each([
      ['istiod-ca-cert', '/var/run/secrets/istio'],
      ['istio-envoy', '/etc/istio/proxy'],
      ['workload-socket', '/var/run/secrets/workload-spiffe-uds'],
    ])('volume %s', (name, path) => {
      expect(injected.volume(name)).toBeDefined();
      expect(injected.mountPath(name)).toBe(path);
    });

    test('the label that peers look at before they speak mTLS', () => {
      expect(injected.label('security.istio.io/tlsMode')).toBe('istio');
    });

    test('a startup probe and the container that loads the rules', () => {
      expect(injected.container('istio-proxy')).toMatchObject({
        startupProbe: { httpGet: { path: '/healthz/ready', port: 15_021 }, failureThreshold: 600 },
      });
      expect(args(injected, 'istio-init')).toEqual(
        'istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x  -b * -d 15090,15021,15020 --log_output_level=default:info'.split(
          ' ',
        ),
      );
    });
  });

  describe('poorer without', () => {
    test.each([
      ['SERVICE_ACCOUNT', 'spec.serviceAccountName'],
      ['INSTANCE_IP', 'status.podIP'],
      ['HOST_IP', 'status.hostIP'],
      ['ISTIO_CPU_LIMIT', 'limits.cpu'],
      ['GOMEMLIMIT', 'limits.memory'],
      ['CA_ADDR', 'istiod.istio-system.svc:15012'],
      ['PILOT_CERT_PROVIDER', 'istiod'],
      ['PROXY_CONFIG', '{}\n'],
      ['TRUST_DOMAIN', 'cluster.local'],
      ['ISTIO_META_CLUSTER_ID', 'Kubernetes'],
      ['ISTIO_META_POD_PORTS', '[\n    {"containerPort":8080}\n]'],
      ['ISTIO_META_APP_CONTAINERS', 'app'],
      ['ISTIO_META_NODE_NAME', 'spec.nodeName'],
      ['ISTIO_META_INTERCEPTION_MODE', 'REDIRECT'],
      ['ISTIO_META_WORKLOAD_NAME', 'shop'],
      ['ISTIO_META_OWNER', 'kubernetes://apis/v1/namespaces/demo/pods/shop'],
      ['ISTIO_META_MESH_ID', 'cluster.local'],
    ])('%s', (name, value) => {
      expect(injected.variable(name)).toBe(value);
    });

    test.each(['credential-socket', 'workload-certs', 'istio-data', 'istio-ca-crl', 'istio-podinfo'])(
      'volume %s',
      (name) => {
        expect(injected.volume(name)).toBeDefined();
        expect(injected.mountPath(name)).toBeDefined();
      },
    );

    test('names for telemetry, and the marks of an injected pod', () => {
      expect(injected.label('service.istio.io/canonical-name')).toBe('shop');
      expect(injected.label('service.istio.io/canonical-revision')).toBe('latest');
      expect(injected.annotation('istio.io/rev')).toBe('default');
      expect(JSON.parse(injected.annotation('sidecar.istio.io/status') ?? '')).toMatchObject({ revision: 'default' });
    });
  });
});

describe('what differs from one installation to the next is a setting', () => {
  test.each([
    ['cluster id', { global: { multiCluster: { clusterName: 'east' } } }, 'ISTIO_META_CLUSTER_ID', 'east'],
    ['CA address', { global: { caAddress: 'ca.example:443' } }, 'CA_ADDR', 'ca.example:443'],
    ['revision', { revision: 'canary' }, 'CA_ADDR', 'istiod-canary.istio-system.svc:15012'],
    ['mesh id', { global: { meshID: 'm1' } }, 'ISTIO_META_MESH_ID', 'm1'],
    ['network', { global: { network: 'n1' } }, 'ISTIO_META_NETWORK', 'n1'],
  ])('%s', (_title, values, name, expected) => {
    expect(injectWithIstiod(app, istiodSnapshot(values)).variable(name)).toBe(expected);
  });

  test('audience of the token', () => {
    const { volume } = injectWithIstiod(app, istiodSnapshot({ global: { sds: { token: { aud: 'other' } } } }));
    expect(JSON.stringify(volume('istio-token'))).toContain('"audience":"other"');
  });

  test('the release, without which no image could be named', () => {
    expect(() => istiodSnapshot({ global: { tag: '' } })).toThrow(
      'spec.istiod.values.global.tag: is missing; set it to the release of the istiod',
    );
  });
});

test.each([
  ['a'.repeat(64), 'a'.repeat(63)],
  [`${'a'.repeat(62)}-b`, 'a'.repeat(62)],
])('the name for telemetry is cut to a label, the workload’s is not: %s', (name, label) => {
  const injected = injectWithIstiod(istioPod({ name }), istiodSnapshot());
  expect(injected.label('service.istio.io/canonical-name')).toBe(label);
  expect(injected.variable('ISTIO_META_WORKLOAD_NAME')).toBe(name);
});
