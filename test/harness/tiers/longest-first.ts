import { statSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';

/** Files that mostly wait, longest first; their size does not tell. At the end of a tier one would keep all others waiting. */
export const waiting: readonly string[] = [
  'test/mesh/as-without-a-proxy.test.ts',
  'test/cluster/short/order.test.ts',
  'test/mesh/vanished.test.ts',
  'test/dataplane/injected-vanished.test.ts',
  'test/dataplane/hostile-clients.test.ts',
  'test/cluster/short/mesh.test.ts',
  'test/apiserver/certificates.test.ts',
  'test/apiserver/hostile-tenant.test.ts',
  'test/property/admission/growth.test.ts',
  'test/apiserver/permissions.test.ts',
  'test/dataplane/http1-shapes.test.ts',
  'test/dataplane/injected-dialogues.test.ts',
  'test/http/shutdown.test.ts',
];

/**
 * The order in which Jest starts test files: those that wait long, then by size. Jest's own order needs the times of former
 * runs, which a new checkout has not; and with this one, every run has the same order.
 */
export default class LongestFirst {
  sort<Test extends { readonly path: string }>(tests: readonly Test[]): Test[] {
    const weights = new Map(tests.map(({ path: file }) => [file, weightOf(path.relative(root, file))]));
    return tests.toSorted((one, other) => (weights.get(other.path) ?? 0) - (weights.get(one.path) ?? 0));
  }

  /** Nothing is remembered from a run. */
  cacheResults(): void {}
}

function weightOf(file: string): number {
  const place = waiting.indexOf(file);
  return place === -1 ? statSync(path.join(root, file)).size : Number.MAX_SAFE_INTEGER - place;
}
