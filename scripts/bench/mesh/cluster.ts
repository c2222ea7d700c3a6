import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '../../../src/json/json.ts';
import { rotateAnnotation } from '../../../src/mesh/identity/root-keeper.ts';
import { openApiClient, type ApiClient } from '../../../test/support/http/api-client.ts';
import { until } from '../../../test/support/waiting.ts';
import { root as checkout } from '../../checkout.ts';
import { startControlPlane, type ClusterAccess } from '../../../test/support/processes/control-plane.ts';
import { forEach } from '../for-each.ts';
import { rootSecret, systemNamespace, systemObjects } from './contenders.ts';
import {
  account,
  endpointPods,
  namespace,
  podObject,
  podStatus,
  proxyPods,
  routeObject,
  serviceName,
  serviceObject,
  sliceObject,
  type BenchPod,
} from './objects.ts';
import type { MeshEffort } from './figures.ts';

/** An API server with the objects of the bench. */
export interface BenchCluster {
  readonly access: ClusterAccess;
  /** Returns a token of the pod for this audience. */
  tokenOf(pod: BenchPod, audience: string): Promise<string>;
  moveEndpoints(service: number, shift: number): Promise<void>;
  /** Gives the VirtualService of a Service another timeout; the first ones have one. */
  changeRoute(service: number): Promise<void>;
  /** Asks for another root of our own mesh. */
  replaceRoot(): Promise<void>;
  /** Lets our own control plane begin with a root of its own when it starts again. */
  forgetRoot(): Promise<void>;
  addService(service: number): Promise<void>;
  removeService(service: number): Promise<void>;
  stop(): Promise<void>;
}

const core = `/api/v1/namespaces/${namespace}`;
const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
const routes = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
const root = `/api/v1/namespaces/${systemNamespace.ours}/secrets/${rootSecret}`;
function mustBe<T>(wanted: number, what: string, answer: { readonly status: number; readonly body: T }): T {
  if (answer.status === wanted) return answer.body;
  throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function create<T extends JsonObject>(api: ApiClient, path: string, object: JsonObject): Promise<T> {
  return mustBe(201, path, await api.create<T>(path, object));
}

/** Starts etcd and an API server, and fills them. */
export async function openBenchCluster({ services, proxies, changes }: MeshEffort): Promise<BenchCluster> {
  const access = await startControlPlane({
    controllers: false,
    apiServerArguments: ['--service-cluster-ip-range=10.96.0.0/16', '--disable-admission-plugins=ServiceAccount'],
  });
  const api = openApiClient(access);
  const uids = new Map<string, string>();
  let timeoutSeconds = 10;

  async function createPod(pod: BenchPod): Promise<void> {
    const { metadata } = await create<{ metadata: { uid: string } }>(api, `${core}/pods`, podObject(pod));
    uids.set(pod.name, metadata.uid);
    mustBe(200, pod.name, await api.patch(`${core}/pods/${pod.name}/status`, podStatus(pod)));
  }

  async function addService(service: number): Promise<void> {
    await create(api, `${core}/services`, serviceObject(service));
    await create(api, slices, sliceObject(service));
  }

  async function stop(): Promise<void> {
    api.close();
    await access.stop();
  }

  try {
    for (const document of parseAllDocuments(await readFile(path.join(checkout, 'deploy/mesh-crds.yaml'), 'utf8')))
      await create(api, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', document.toJS() as JsonObject);
    await create(api, '/api/v1/namespaces', { metadata: { name: namespace } });
    for (const [path, object] of systemObjects) await create(api, path, object);
    await create(api, `${core}/serviceaccounts`, { metadata: { name: account } });
    await forEach([...endpointPods, ...proxyPods(proxies)], createPod);
    await forEach(
      Array.from({ length: services }, (_, index) => index),
      addService,
    );
    for (let service = 1; service <= changes; service++) {
      const object = routeObject(service, timeoutSeconds);
      await until('the kind is served', async () => {
        const { status } = await api.create(routes, object);
        return status === 201 || status === 409 || undefined;
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    access,
    stop,
    addService,
    async tokenOf({ name }, audience) {
      const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid: uids.get(name) ?? '' };
      const spec = { audiences: [audience], expirationSeconds: 7_200, boundObjectRef };
      const path = `${core}/serviceaccounts/${account}/token`;
      const { status } = await create<{ status: { token: string } }>(api, path, { spec });
      return status.token;
    },
    async moveEndpoints(service, shift) {
      const { endpoints = [] } = sliceObject(service, shift);
      mustBe(200, serviceName(service), await api.patch(`${slices}/${serviceName(service)}`, { endpoints }));
    },
    async changeRoute(service) {
      timeoutSeconds += 1;
      const { spec } = routeObject(service, timeoutSeconds);
      mustBe(200, serviceName(service), await api.patch(`${routes}/${serviceName(service)}`, { spec }));
    },
    async replaceRoot() {
      const annotations = { [rotateAnnotation]: 'yes' };
      mustBe(200, rootSecret, await api.patch(root, { metadata: { annotations } }));
    },
    async forgetRoot() {
      mustBe(200, rootSecret, await api.patch(root, { metadata: { annotations: null }, data: null }));
    },
    async removeService(service) {
      const name = serviceName(service);
      mustBe(200, name, await api.delete(`${core}/services/${name}`));
      mustBe(200, name, await api.delete(`${slices}/${name}`));
    },
  };
}
