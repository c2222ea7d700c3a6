import type { AgentCalls } from './agent.ts';
import { collected } from './agent-collector.ts';
import { ask, askHttp2, dial, download, sendDatagram, talk } from './agent-clients.ts';
import { callGrpc } from './agent-grpc.ts';
import { converse } from './agent-conversations.ts';
import { exchange, prepare, received } from './agent-exchanges.ts';
import { recall, rehearse, speak } from './agent-dialogues.ts';
import { askInBursts, askTogether, countLoad, redirectLoad, startLoad, stopLoad } from './agent-load.ts';
import { askAtRate } from './agent-rate.ts';
import { askStream } from './agent-streams.ts';
import { startTalks, stopTalks } from './agent-talks.ts';
import { dropUnread, holdUnread } from './agent-unread.ts';
import { accepted, close, connected, listen, setHealthy } from './agent-servers.ts';

/*
 * The process behind `startAgent`: it runs inside a network namespace as a user of the test's choice and serves, asks
 * and dials there as it is told over the IPC channel. It becomes that user only here, because checkout and Node may be
 * private to root; every socket is made later, so the rules see the user.
 */
const calls: AgentCalls = {
  listen,
  close,
  connected,
  accepted,
  setHealthy,
  collected,
  ask,
  askHttp2,
  askStream,
  callGrpc,
  dial,
  converse,
  prepare,
  received,
  exchange,
  rehearse,
  recall,
  speak,
  talk,
  sendDatagram,
  download,
  holdUnread,
  dropUnread,
  askTogether,
  askInBursts,
  askAtRate,
  startLoad,
  redirectLoad,
  countLoad,
  stopLoad,
  startTalks,
  stopTalks,
};

interface Order {
  readonly id: number;
  readonly call: keyof AgentCalls;
  readonly input: never;
}

const uid = Number(process.argv[2]);
process.setgroups?.([]);
process.setgid?.(uid);
process.setuid?.(uid);

process.on('message', (order: Order) => {
  calls[order.call](order.input).then(
    (result) => process.send?.({ id: order.id, result }),
    (error: unknown) => process.send?.({ id: order.id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, result: null });
