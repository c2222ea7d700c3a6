import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
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
