import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { rulesPage } from '../../../src/runtime/rule-admission.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const service: JsonObject = {
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'cart', uid: 's' },
  spec: { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ name: 'http', port: 80 }] },
};

function page(judged: string[] = [], world = () => worldOf([service])) {
  return rulesPage({
    world,
    domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
    log: createLog('silent', { write: () => {} }),
    judged: (outcome) => judged.push(outcome),
  });
}

function reviewOf(spec: JsonObject, version = 'v1', more: JsonObject = {}): string {
  const object = { kind: 'VirtualService', metadata: { namespace: 'shop', name: 'x' }, spec };
  const kind = { group: 'networking.istio.io', version, kind: 'VirtualService' };
  const request = { uid: 'u', operation: 'CREATE', namespace: 'shop', kind, object, ...more };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

function answerTo(text: string, judged: string[] = []): unknown {
  const answer = page(judged).answer(text, '/validate', 0);
  return 'problem' in answer ? answer : JSON.parse(answer.body);
}

const route = { http: [{ route: [{ destination: { host: 'cart' } }] }] };

describe('before a traffic rule is stored', () => {
  test('what is in order is allowed without a word', () => {
    const judged: string[] = [];
    expect(answerTo(reviewOf({ hosts: ['cart'], ...route }), judged)).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true },
    });
    expect(judged).toEqual(['allow']);
  });

  test.each(['v1', 'v1beta1', 'v1alpha3'])('what cannot be meant is refused with its place (%s)', (version) => {
    expect(answerTo(reviewOf({ hosts: ['cart'], htp: [] }, version))).toMatchObject({
      response: {
        allowed: false,
        status: {
          code: 422,
          message: expect.stringMatching(/^\/spec\/htp: there is no such field.*\(UnknownField\)$/),
        },
      },
    });
  });

  test('what will have no effect gets a warning', () => {
    expect(answerTo(reviewOf({ hosts: ['card'], ...route }))).toMatchObject({
      response: {
        allowed: true,
        warnings: [expect.stringMatching(/^\/spec\/hosts\/0: there is no Service card\.shop.*\(NoSuchHost\)$/)],
      },
    });
  });

  test('the younger of two for one host gets a warning that names the older one', () => {
    const metadata = { namespace: 'shop', name: 'older', uid: 'o', creationTimestamp: '2026-01-01T00:00:00Z' };
    const older = { kind: 'VirtualService', metadata, spec: { hosts: ['cart'], ...route } };
    const answer = page([], () => worldOf([service, older])).answer(
      reviewOf({ hosts: ['cart'], ...route }),
      '/validate',
      0,
    );
    expect(answer).toHaveProperty(
      'body',
      expect.stringContaining('the older VirtualService shop/older decides on cart.shop.svc.cluster.local alone'),
    );
  });

  test('many warnings stay below what the API server shows', () => {
    const hosts = Array.from({ length: 200 }, (_, index) => `nobody-${index}`);
    const { response } = answerTo(reviewOf({ hosts, ...route })) as { response: { warnings: string[] } };
    expect(response.warnings.join('').length).toBeLessThan(4_000);
    expect(response.warnings.at(-1)).toMatch(/^and \d+ more: see sidecar-injector mesh analyze$/);
  });

  test.each([
    ['another kind', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }],
    ['a status', { subResource: 'status' }],
    ['a deletion', { operation: 'DELETE', object: null }],
  ])('%s is none of its business', (_what, more) => {
    expect(answerTo(reviewOf({ htp: 1 }, 'v1', more))).toMatchObject({ response: { allowed: true } });
  });

  test('a body that is no review is told so', () => {
    expect(answerTo('{}')).toHaveProperty('problem');
  });

  test('a defect of ours lets the rule pass', () => {
    const broken = page([], () => {
      throw new Error('defect');
    }).answer(reviewOf({ hosts: ['cart'] }), '/validate', 0);
    expect(broken).toHaveProperty('body', expect.stringContaining('"allowed":true'));
  });
});

describe('what VirtualServices need', () => {
  const metadata = { namespace: 'shop', name: 'cart', uid: 'd' };
  const subsets = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));
  const destinationRule: JsonObject = { kind: 'DestinationRule', metadata, spec: { host: 'cart', subsets } };
  const split = ['v1', 'v2'].map((subset) => ({ destination: { host: 'cart', subset }, weight: 50 }));
  const virtualService = {
    kind: 'VirtualService',
    metadata: { namespace: 'shop', name: 'split', uid: 'v' },
    spec: { hosts: ['cart'], http: [{ route: split }] },
  };

  function change(operation: string, object: JsonObject | null, others: JsonObject[] = []): unknown {
    const text = reviewOf({}, 'v1', {
      operation,
      kind: { group: 'networking.istio.io', version: 'v1', kind: 'DestinationRule' },
      object,
      oldObject: destinationRule,
    });
    const world = worldOf([service, destinationRule, virtualService, ...others]);
    const answer = page([], () => world).answer(text, '/validate', 0);
    return 'problem' in answer ? answer : (JSON.parse(answer.body) as { response: object }).response;
  }

  const lost = (index: number) =>
    `VirtualService shop/split: /spec/http/0/route/${index}/destination/subset: no DestinationRule of "cart" has a subset "v${index + 1}"; add it there; the last good routes stay, if there are any (NoSuchSubset)`;

  test('is said when it is deleted, which is not refused', () => {
    expect(change('DELETE', null)).toEqual({ uid: 'u', allowed: true, warnings: [lost(0), lost(1)] });
  });

  test('is said when a subset of it is taken away', () => {
    const changed = { ...destinationRule, spec: { host: 'cart', subsets: subsets.slice(0, 1) } };
    expect(change('UPDATE', changed)).toEqual({ uid: 'u', allowed: true, warnings: [lost(1)] });
  });

  test('is not said when another rule has it, or when something else is changed', () => {
    const other = { ...destinationRule, metadata: { ...metadata, name: 'more', uid: 'e' } };
    expect(change('DELETE', null, [other])).toEqual({ uid: 'u', allowed: true });
    const changed = {
      ...destinationRule,
      spec: { host: 'cart', subsets, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    };
    expect(change('UPDATE', changed)).toEqual({ uid: 'u', allowed: true });
  });
});
