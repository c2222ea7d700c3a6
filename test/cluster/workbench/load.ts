// load.ts URL [CONNECTIONS] [REQUESTS PER SECOND]   asks again and again until SIGTERM or SIGINT, then tells how it went
// Every second one line with the figures so far, so that a reader needs no signal. It begins to count when the URL has
// answered once: a Service serves only when the node has learnt of its pods, some moments after they are ready.
import { Agent, request } from 'node:http';

const [url = '', connections = '4', rate = '100'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const outcomes: Record<string, number> = {};
const latencies: number[] = [];
let sent = 0;

function ask(): void {
  const start = performance.now();
  sent += 1;
  const note = (outcome: string) => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    latencies.push(performance.now() - start);
  };
  const call = request(url, { agent, timeout: 10_000 }, (response) => {
    response.resume();
    response.once('end', () => note(String(response.statusCode)));
    response.once('error', (error) => note(error.message));
  });
  call.once('timeout', () => call.destroy(new Error('timeout')));
  call.once('error', (error) => note('code' in error ? String(error.code) : error.message));
  call.end();
}

function tell(): void {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3));
  const figures = { sent, outcomes, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99) };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

for (;;) {
  if ((await fetch(url).catch(() => undefined))?.ok === true) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const asking = setInterval(ask, 1000 / Number(rate));
const telling = setInterval(tell, 1000);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    clearInterval(asking);
    clearInterval(telling);
    // Those on their way still count.
    const ending = setInterval(() => {
      if (latencies.length < sent) return;
      clearInterval(ending);
      tell();
      process.exit(0);
    }, 50);
  });
}
