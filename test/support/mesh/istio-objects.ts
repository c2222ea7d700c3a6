import type { JsonObject } from '../../../src/json/json.ts';
import { describeFinding, type Finding } from '../../../src/mesh/rules/finding.ts';

/** A VirtualService of the namespace `shop` for `reviews`, with these routes. */
export function virtualService(http: readonly unknown[], more: JsonObject = {}): JsonObject {
  return {
    kind: 'VirtualService',
    metadata: {
      namespace: 'shop',
      name: 'reviews',
      uid: 'v',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { hosts: ['reviews'], http, ...more },
  } as JsonObject;
}

/** A DestinationRule of the namespace `shop` for `reviews`. */
export function destinationRule(spec: JsonObject): JsonObject {
  return {
    kind: 'DestinationRule',
    metadata: {
      namespace: 'shop',
      name: 'reviews',
      uid: 'd',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { host: 'reviews', ...spec },
  };
}

/** A route to a Service, with what is given beside. */
export function route(more: object = {}, host = 'reviews'): object {
  return { route: [{ destination: { host } }], ...more };
}

/** Findings as `<effect> <pointer>: <sentence>`. */
export function told(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) => `${finding.effect} ${describeFinding(finding)}`);
}
