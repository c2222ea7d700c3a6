import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../test/harness/tools/command.ts';
import { root } from '../checkout.ts';
import { requestBytes } from './connection.ts';
import type { Effort } from './effort.ts';
import { openTarget, sendRound } from './load.ts';
import { describeMachine } from './machine.ts';
import { attack } from './overload/attack-process.ts';
import { attackNames, type AttackName } from './overload/attacks.ts';
import type { Trial } from './overload/figures.ts';
import { writeSection } from './overload/section.ts';
import { sendSteadily, type Pace } from './overload/steady-load.ts';
import type { Section } from './page-parts.ts';
import { typicalPod } from './pods.ts';
import { reviewText, workloadNames } from './reviews.ts';
import { fromImage, startWebhook, type ServerProcess, type WebhookOptions } from './server-process.ts';

const plans: Readonly<Record<Effort['name'], Pace & { readonly rounds: number }>> = {
  full: { perSecond: 100, seconds: 12, rounds: 3 },
  quick: { perSecond: 100, seconds: 6, rounds: 1 },
};

/** Sends reviews that do not count, until the code is compiled. */
async function warmUp(server: ServerProcess): Promise<void> {
  const target = await openTarget(server, 4);
  const requests = workloadNames.map((name) => requestBytes(reviewText(typicalPod(name))));
  await sendRound(target, requests, 2_000);
  target.close();
}

async function play(folder: string, image: WebhookOptions, pace: Pace, name: AttackName | undefined): Promise<Trial> {
  const server = await startWebhook(folder, image);
  try {
    await warmUp(server);
    const order = { port: server.port, ca: server.ca, seconds: pace.seconds };
    const [attempts, met] = await Promise.all([
      sendSteadily(server, pace),
      name === undefined ? {} : attack(name, order),
    ]);
    const { peakRssBytes } = await server.usage();
    return { attempts, met, peakRssBytes };
  } finally {
    await server.stop();
  }
}

/** Measures the reviews of others while the webhook is attacked. */
export async function benchOverload(effort: Effort, say: (line: string) => void): Promise<Section> {
  const build = [process.execPath, '--disable-warning=ExperimentalWarning', 'scripts/build.ts'] as const;
  if ((await run(build, { cwd: root })) !== 0) throw new Error('the bundle could not be built');
  const machine = describeMachine();
  const image = await fromImage();
  const { rounds, ...pace } = plans[effort.name];
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
  try {
    const reference: Trial[] = [];
    const attacked = attackNames.map((name) => ({ name, trials: [] as Trial[] }));
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: no attack …`);
      reference.push(await play(folder, image, pace, undefined));
      for (const { name, trials } of attacked) {
        say(`round ${round} of ${rounds}: ${name} …`);
        trials.push(await play(folder, image, pace, name));
      }
    }
    return writeSection({ pace, reference: { name: 'no attack', trials: reference }, attacked, machine });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
