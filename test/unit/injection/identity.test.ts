import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, podWith, rulesOf } from '../../support/builders/decisions.ts';

const id = fc.integer({ min: 1, max: 2_147_483_647 });

function withProxyAs(security: JsonObject, more: JsonObject = {}) {
  return podWith({
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'auto', securityContext: security }], ...more },
  });
}

test('whatever user and group the proxy is given, the rules exempt exactly those that it runs as', () => {
  fc.assert(
    fc.property(
      fc.option(id, { nil: undefined }),
      fc.option(id, { nil: undefined }),
      id,
      (runAsUser, runAsGroup, pod) => {
        const security = { ...(runAsUser && { runAsUser }), ...(runAsGroup && { runAsGroup }) };
        // Ids of the pod as a whole concern the application alone.
        const own = [runAsUser ?? 1337, runAsGroup ?? 1337];
        fc.pre(!own.includes(pod));
        const injected = injectedPod(withProxyAs(security, { securityContext: { runAsUser: pod, runAsGroup: pod } }));
        const runs = containerOf(injected, 'istio-proxy')['securityContext'] as Record<string, unknown>;
        const owners = rulesOf(injected).flatMap((rule) => [...rule.matchAll(/--([ug]id)-owner (\d+)/g)]);
        expect(new Set(owners.map(([, kind, number]) => `${kind} ${number}`))).toEqual(
          new Set([`uid ${String(runs['runAsUser'])}`, `gid ${String(runs['runAsGroup'])}`]),
        );
        expect([runs['runAsUser'], runs['runAsGroup']]).toEqual(own);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ['root', { runAsUser: 0 }],
  ['the root group', { runAsGroup: 0 }],
  ['no number', { runAsUser: '1000' }],
  ['a fraction', { runAsUser: 1.5 }],
  ['above what Linux has', { runAsUser: 2_147_483_648 }],
])('the proxy may not run as %s', (_, security) => {
  expect(decideOn(withProxyAs(security)).reasons.map(({ code }) => code)).toEqual(['InvalidOverride']);
});

test.each<[string, JsonObject, JsonObject, JsonObject]>([
  ['its container', {}, { runAsUser: 1337 }, {}],
  ['the pod', {}, {}, { runAsUser: 1337 }],
  ['its group', {}, { runAsGroup: 1337 }, {}],
  ['a proxy of another user', { runAsUser: 2000 }, { runAsUser: 2000 }, {}],
])('an application with the proxy’s id is refused: %s', (_, proxy, app, pod) => {
  const decision = decideOn(
    podWith({
      spec: {
        securityContext: pod,
        containers: [
          { name: 'app', securityContext: app },
          { name: 'istio-proxy', image: 'auto', securityContext: proxy },
        ],
      },
    }),
  );
  expect(decision.reasons).toEqual([{ code: 'UserConflict', message: expect.stringContaining('would pass it by') }]);
});
