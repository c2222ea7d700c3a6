import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../checkout.ts';
import { readCalls, type Calls } from './calls.ts';

/** Runs kubectl with these arguments, and returns its output. Rejects with what it said if it fails. */
export type Kubectl = (...args: string[]) => Promise<string>;

const shop = path.join(root, 'examples/shop/shop.yaml');

/** Services of the example, in the order in which they call each other. */
const services = ['frontend', 'catalog', 'cart', 'orders'] as const;

/** How long the injector may take to learn of the control plane: the kubelet brings it the certificate within two minutes. */
const patienceMs = 150_000;

async function untilMeshIsKnown(kubectl: Kubectl, namespace: string): Promise<void> {
  const labels = '--labels=sidecar-injector.io/profile=mesh';
  const endMs = Date.now() + patienceMs;
  for (;;) {
    try {
      await kubectl('-n', namespace, 'run', 'trial', '--image=trial', labels, '--dry-run=server');
      return;
    } catch (error) {
      if (!String(error).includes('MeshNotReady') || Date.now() > endMs) throw error;
      await sleep(1_000);
    }
  }
}

/** Applies the example to a labelled namespace of a cluster with the control plane, and waits until all of it runs. */
export async function openShop(kubectl: Kubectl, namespace: string): Promise<void> {
  await untilMeshIsKnown(kubectl, namespace);
  await kubectl('-n', namespace, 'apply', '-f', shop);
  for (const name of services) {
    await kubectl('-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=120s');
  }
}

/** Asks the frontend this often, through the API server, and returns its last answer. */
export async function visitShop(kubectl: Kubectl, namespace: string, times: number): Promise<string> {
  const frontend = `/api/v1/namespaces/${namespace}/services/frontend:http/proxy/`;
  let answer = '';
  for (let visit = 0; visit < times; visit++) answer = await kubectl('get', '--raw', frontend);
  return answer;
}

/** Returns who has called whom, as the proxies of the called services have counted it. */
export async function callsInShop(kubectl: Kubectl, namespace: string): Promise<readonly Calls[]> {
  const selector = `--selector=app in (${services.join(',')})`;
  const names = await kubectl('-n', namespace, 'get', 'pods', selector, '-o=jsonpath={.items[*].metadata.name}');
  const page = (pod: string) => `/api/v1/namespaces/${namespace}/pods/${pod}:15020/proxy/stats/prometheus`;
  const pages = await Promise.all(names.split(' ').map((pod) => kubectl('get', '--raw', page(pod))));
  return pages.flatMap(readCalls);
}
