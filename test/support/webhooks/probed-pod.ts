import type { JsonObject } from '../../../src/json/json.ts';
import type { Pod } from '../http/api-client.ts';
import { injected, makePod, type TestCluster } from '../processes/test-cluster.ts';

/** A pod of which the injection changes something as well: a readiness probe. */
function makeProbedPod(name: string, annotations: Readonly<Record<string, string>> = {}): JsonObject {
  const app = {
    name: 'app',
    image: 'registry.example/app:1',
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
  };
  return makePod(name, { metadata: { annotations: { ...annotations } }, spec: { containers: [app] } });
}

/** The same pod where another webhook is called, and where only ours is. */
export interface TwoPods {
  readonly pod: Pod;
  readonly plain: Pod;
  readonly namespace: string;
  readonly warnings: readonly string[];
}

/** Creates a pod in a namespace whose further labels another webhook selects, and in one without them. */
export async function createBoth(
  cluster: TestCluster,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): Promise<TwoPods> {
  const create = async (more: Readonly<Record<string, string>>) => {
    const namespace = await cluster.createNamespace({ ...injected, ...more });
    const { status, body, warnings } = await cluster.createPod(namespace, makeProbedPod('web', annotations));
    if (status !== 201) throw new Error(`${status}: ${body.message}`);
    return { namespace, pod: body, warnings };
  };
  const { pod: plain } = await create({});
  return { ...(await create(labels)), plain };
}
