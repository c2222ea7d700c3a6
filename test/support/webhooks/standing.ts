import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import { readFacts } from '../../../src/injection/namespace-facts.ts';
import { registrationEntries } from '../../../src/injection/policy/registration.ts';
import { standingOf } from '../../../src/injection/standing.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { root } from '../../../scripts/checkout.ts';
import type { Pod } from '../http/api-client.ts';
import type { TestCluster } from '../processes/test-cluster.ts';

/** What the checks, the auditor and restarts say of a stored pod, by the settings that ship. */
export async function standingIn({ api }: TestCluster, pod: Pod): Promise<string> {
  const settings: unknown = parse(await readFile(path.join(root, 'deploy/base/settings.yaml'), 'utf8'));
  const made = createSnapshot({ settings });
  if ('problems' in made) throw new Error(made.problems.map(({ message }) => message).join('; '));
  const name = pod.metadata.namespace ?? '';
  const { body } = await api.get(`/api/v1/namespaces/${name}`);
  const namespace = { name, ...readFacts(body as unknown as JsonObject) };
  const object = pod as unknown as JsonObject;
  const standing = standingOf(object, namespace, registrationEntries, createInjector(made.snapshot));
  return standing.state === 'injected' ? standing.renewal.as : standing.state;
}
