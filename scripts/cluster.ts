// cluster.ts up|down [own|test]   a Kubernetes node in a network namespace of this machine; `test` is the tests' own
import { adminKubeconfig, insideNetwork, places } from '../test/harness/cluster/node/place.ts';
import { startNode } from '../test/harness/cluster/node/start.ts';
import { stopNode } from '../test/harness/cluster/node/stop.ts';
import { prepareClusterTools, writeClusterImages } from '../test/harness/cluster/prepare.ts';
import { findProgram } from '../test/harness/tools/kubernetes.ts';
import { joinEnvironments } from '../test/harness/tools/tool.ts';

const [name = '', argument = 'own'] = process.argv.slice(2);
const commands: Readonly<Record<string, () => Promise<void>>> = {
  async up() {
    const place = placeOf(argument);
    const env = joinEnvironments(await prepareClusterTools());
    await stopNode(place);
    const images = await writeClusterImages(env);
    await startNode(place, { env, images: images.file }).finally(() => images.remove());
    const kubectl = `${insideNetwork(place).join(' ')} ${findProgram('kubectl', env)}`;
    process.stdout.write(
      `the node is ready; talk to it with\n  ${kubectl} --kubeconfig ${adminKubeconfig(place)} get pods -A\n`,
    );
  },
  async down() {
    await stopNode(placeOf(argument));
  },
};

function placeOf(word: string): (typeof places)[keyof typeof places] {
  if (word === 'own' || word === 'test') return places[word];
  throw new Error(`no cluster ${word}: allowed are own, test`);
}

const command = commands[name];
if (command === undefined) {
  process.stderr.write(`unknown command "${name}": allowed are ${Object.keys(commands).join(', ')}\n`);
  process.exit(2);
}
await command();
