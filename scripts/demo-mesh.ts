// Shows the mesh on a Kubernetes node of this machine (root on Linux): four services, and who calls whom by which certificate.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { places } from '../test/harness/cluster/node/place.ts';
import { root } from './checkout.ts';
import { bringUp } from './cluster/bring-up.ts';
import { drawCalls } from './demo/calls.ts';
import { callsInShop, openShop, visitShop } from './demo/shop.ts';

const namespace = 'shop';
const visits = 20;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const command = await bringUp(places.own);
const [program, ...words] = command;
const kubectl = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(program, [...words, ...args])).stdout;

async function install(file: string, deployment: string): Promise<void> {
  say(`kubectl apply -f ${file}`);
  await kubectl('apply', '-f', path.join(root, file));
  await kubectl('-n', 'sidecar-injector-system', 'rollout', 'status', `deployment/${deployment}`, '--timeout=120s');
}

await install('deploy/install.yaml', 'sidecar-injector');
await install('deploy/mesh.yaml', 'sidecar-injector-mesh');
say(`kubectl create namespace ${namespace}, with the label istio-injection=enabled`);
await kubectl('create', 'namespace', namespace);
await kubectl('label', 'namespace', namespace, 'istio-injection=enabled');
say('kubectl apply -f examples/shop/shop.yaml');
await openShop(kubectl, namespace);
say(`\nThe frontend, asked ${visits} times:\n${await visitShop(kubectl, namespace, visits)}`);
say('What the proxies have counted:\n');
for (const line of drawCalls(await callsInShop(kubectl, namespace))) say(`  ${line}`);
say(
  `\nThe cluster runs on; talk to it with\n  ${command.join(' ')} -n ${namespace} get pods\nand remove it with \`make cluster-down\`.`,
);
