import { describe, expect, test } from '@jest/globals';
import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../support/processes/istiod.ts';

const plain = istiodSnapshot();

function injectedCopy(copy: object): JsonObject | undefined {
  const application = { name: 'app', image: 'shop:1' };
  const pod = istioPod({}, { containers: [application, { name: 'istio-proxy', ...copy }] });
  return injectWithIstiod(pod, plain).container('istio-proxy');
}

describe('what the pod’s own copy of an injected container leaves empty has no effect', () => {
  test.each([
    ['resources', null],
    ['resources', { limits: null, requests: { cpu: '' } }],
    ['securityContext', null],
    ['securityContext', { runAsUser: null, capabilities: { drop: [] } }],
    ['startupProbe', null],
    ['readinessProbe', { periodSeconds: 0, httpGet: null }],
    ['lifecycle', null],
    ['env', null],
    ['env', []],
    ['args', []],
    ['ports', null],
    ['image', ''],
    ['image', null],
  ])('%s: %j', (key, value) => {
    expect(injectedCopy({ [key]: value })).toEqual(injectedCopy({}));
  });

  test('but zeros and flags that say something have one', () => {
    const proxy = injectedCopy({ securityContext: { runAsUser: 0, runAsNonRoot: false } });
    expect(proxy?.['securityContext']).toMatchObject({ runAsUser: 0, runAsNonRoot: false, runAsGroup: 1337 });
  });
});

describe('a copy in another list than the injected container', () => {
  const spec = { istiod: { hardened: true, values: { global: { tag: '1.28.0' } } } };
  const hardened = istiodSnapshot({}, { spec });
  const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };
  const application = { name: 'app', image: 'shop:1' };

  test('requests no more than the limit of an annotation', () => {
    const copy = { name: 'istio-proxy', resources: { requests: { memory: '128Mi' } } };
    const annotations = { ...classic, 'sidecar.istio.io/proxyMemoryLimit': '64Mi' };
    const { container } = injectWithIstiod(istioPod({ annotations }, { initContainers: [copy] }), plain);
    expect(container('istio-proxy')?.['resources']).toEqual({
      requests: { memory: '128Mi' },
      limits: { memory: '128Mi' },
    });
  });

  test('is bound to what hardened settings allow', () => {
    const copy = { name: 'istio-init', image: 'own:1', command: ['sh'] };
    const pod = istioPod({}, { containers: [application, copy] });
    expect(() => injectWithIstiod(pod, hardened)).toThrow('container "istio-init", command: may not be set');
    expect(() => injectWithIstiod(pod, hardened)).toThrow('image: "own:1" is not allowed');
  });

  test('is hardened', () => {
    const pod = istioPod({ annotations: classic }, { initContainers: [{ name: 'istio-proxy', image: 'auto' }] });
    const proxy = injectWithIstiod(pod, hardened).container('istio-proxy');
    expect(objectMember(proxy, 'securityContext')?.['seccompProfile']).toEqual({ type: 'RuntimeDefault' });
    expect(JSON.stringify(proxy?.['volumeMounts'])).toContain('istio-token-mask');
  });
});

test('a second injection by Istio’s templates exempts the user that the first has taken from the copy', () => {
  const proxy = { name: 'istio-proxy', image: 'proxyv2:1', securityContext: { runAsUser: 1000 } };
  const load = { name: 'istio-init', image: 'proxyv2:1' };
  const status = JSON.stringify({ initContainers: ['istio-init'], containers: ['istio-proxy'] });
  const overrides = JSON.stringify({ containers: [{ name: 'istio-proxy', securityContext: { runAsUser: 1000 } }] });
  const annotations = {
    'sidecar.istio.io/status': status,
    'proxy.istio.io/overrides': overrides,
    'sidecar.istio.io/nativeSidecar': 'false',
  };
  const spec = { initContainers: [load], containers: [{ name: 'app', image: 'shop:1' }, proxy] };
  expect(injectWithIstiod(istioPod({ annotations }, spec), plain).argumentsOf('istio-init')).toContain('-u 1000 ');
});
