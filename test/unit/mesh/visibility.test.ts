import { expect, test } from '@jest/globals';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import { visibilityOf } from '../../../src/mesh/plan/visibility.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import { applyEvents, emptyWorld } from '../../../src/mesh/world/world.ts';

test.each([
  [undefined, 'all'],
  ['', 'all'],
  [' , ', 'all'],
  ['*', 'all'],
  ['shop, *', 'all'],
  ['~,*', 'all'],
  ['~', 'nobody'],
  [' ~ ,shop', 'nobody'],
  ['.', 'some'],
  ['shop,cart', 'some'],
  ['istio-system', 'some'],
])('exportTo %p is for %s', (text, visibility) => {
  expect(visibilityOf(text)).toBe(visibility);
});

test.each([
  ['~', false],
  ['.', true],
  ['*', true],
])('a Service with exportTo %p is planned: %p', (exportTo, isPlanned) => {
  const value = readService({
    metadata: { namespace: 'shop', name: 'cart', annotations: { 'networking.istio.io/exportTo': exportTo } },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
  });
  const { world } = applyEvents(emptyWorld, [{ kind: 'service', key: 'shop/cart', value }]);
  expect(
    planService(world, 'shop/cart', {
      cluster: 'cluster.local',
      trust: 'cluster.local',
      rootNamespace: 'istio-system',
    }) !== undefined,
  ).toBe(isPlanned);
});
