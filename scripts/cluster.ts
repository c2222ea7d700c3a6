// cluster.ts up|down [own|test]   a Kubernetes node in a network namespace of this machine; `test` is the tests' own
import { places } from '../test/harness/cluster/node/place.ts';
import { stopNode } from '../test/harness/cluster/node/stop.ts';
import { bringUp } from './cluster/bring-up.ts';

const [name = '', argument = 'own'] = process.argv.slice(2);
const commands: Readonly<Record<string, () => Promise<void>>> = {
  async up() {
    const kubectl = await bringUp(placeOf(argument));
    process.stdout.write(`the node is ready; talk to it with\n  ${kubectl.join(' ')} get pods -A\n`);
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
