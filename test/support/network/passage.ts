import type { ClusterNamespace } from '../cluster/cluster-namespace.ts';

/** Which way requests took. */
export interface Passage {
  /** Answered; a proxy has marked the request. */
  readonly throughProxy: number;
  /** Answered; no proxy has seen the request. */
  readonly past: number;
  readonly failed: number;
  /** What became of the last one. */
  readonly last: keyof Omit<Passage, 'last'>;
}

// Each request has a connection of its own, so that none waits for a dead one.
const program = `
const { existsSync } = require('node:fs');
const { request } = require('node:http');
const figures = { throughProxy: 0, past: 0, failed: 0, last: '' };
const note = (outcome) => { figures[outcome] += 1; figures.last = outcome; };
const ask = () => {
  const next = () => {
    if (existsSync('/tmp/stop')) console.log(JSON.stringify(figures));
    else setTimeout(ask, 10);
  };
  const call = request(process.argv[1], { agent: false, timeout: 5000 }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => text += chunk);
    answer.on('end', () => {
      if (answer.statusCode !== 200) note('failed');
      else note(JSON.parse(text).headers['x-request-id'] === undefined ? 'past' : 'throughProxy');
      next();
    });
  });
  call.on('timeout', () => call.destroy(new Error('timeout')));
  call.on('error', () => { note('failed'); next(); });
  call.end();
};
ask();
`;

/** Asks one after the other from a container until told to stop; the URL is of a workbench that serves. */
export async function startWatch(
  namespace: ClusterNamespace,
  target: string,
  url: string,
): Promise<{ stop(): Promise<Passage> }> {
  await namespace.untilServed(target, url);
  await namespace.exec(target, 'rm', '-f', '/tmp/stop');
  const figures = namespace.exec(target, 'node', '--eval', program, url);
  return {
    async stop() {
      await namespace.exec(target, 'touch', '/tmp/stop');
      return JSON.parse(await figures) as Passage;
    },
  };
}
