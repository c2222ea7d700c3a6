import { textTable } from '../../../text-table.ts';
import type { Caller } from './callers.ts';
import type { PlainCalls, Server } from './plain-text.ts';
import type { MeshStatus } from './mesh-status.ts';
import { plural } from '../../../plural.ts';

/** A time in its largest unit of which there are at least two. */
function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  const [size, unit] = units.find(([length]) => seconds >= 2 * length) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function controlPlaneLines({ replicas, pods }: MeshStatus): readonly string[] {
  if (replicas.length === 0) return ['Control plane: no replica was found'];
  const head = ['REPLICA', 'VERSION', 'PROXIES', 'IN SYNC', 'REJECTED', 'CHANGING', 'NOT IN FORCE'];
  const heard = replicas.flatMap((one) => ('said' in one ? [one] : []));
  const rows = heard.map(({ name, said: { version, proxies, inSync, rejected, changing, notInForce } }) => [
    name,
    version,
    ...[proxies, inSync, rejected, changing, notInForce].map((count) => String(count ?? '?')),
  ]);
  return [
    'Control plane',
    ...(rows.length === 0 ? [] : textTable([head, ...rows], '  ')),
    ...replicas.flatMap((one) => ('problem' in one ? [`  ${one.name} did not say: ${one.problem}`] : [])),
    `  ${plural(
      heard.reduce((sum, { said }) => sum + (said.proxies ?? 0), 0),
      'proxy',
      'proxies',
    )} connected, ${plural(pods, 'pod')} with a proxy of the mesh`,
  ];
}

function callerText(client: Caller, servedSinceMs: number | undefined): string {
  if (client.type === 'unknown') return 'no pod has this address: gone, or outside of the cluster';
  if (client.type === 'node')
    return `node ${client.node}: its own processes, pods with hostNetwork, or whoever comes through a port of it`;
  const late = servedSinceMs !== undefined && Date.parse(client.created) > servedSinceMs;
  const proxy = client.hasProxy ? 'has a proxy of the mesh' : 'no proxy of the mesh';
  const since = late ? `, has this address since ${client.created}` : '';
  return `pod ${client.pod} (${client.workload.kind} ${client.workload.name}), ${proxy}${since}`;
}

function callRow(
  { port, address, client, requests, connections, open, refused }: PlainCalls,
  server: Server,
): string[] {
  const shown = (count: number): string => (count === 0 ? '-' : String(count));
  return [
    String(port),
    ...[requests, connections, open, refused].map(shown),
    address,
    callerText(client, server.countedSinceMs),
  ];
}

function modesText({ modes: { base, ports } }: Server): string {
  return [base, ...[...ports].map(([port, mode]) => `${port} ${mode}`)].join(', ');
}

function serverLines(server: Server, isTold: boolean, nowMs: number): readonly string[] {
  const { kind, namespace, name, pods, calls, countedSinceMs, unread } = server;
  const what = `${kind} ${namespace}/${name} (${plural(pods, 'pod')}, ${modesText(server)})`;
  const since = countedSinceMs === undefined ? '' : `, counted for at least ${durationText(nowMs - countedSinceMs)}`;
  const nobody = calls.length > 0 || countedSinceMs === undefined ? '' : isTold ? ': nobody' : ': not known';
  const head = ['PORT', 'REQUESTS', 'CONNECTIONS', 'OPEN', 'REFUSED', 'ADDRESS', 'CLIENT'];
  return [
    `  ${what}${since}${nobody}`,
    ...(calls.length === 0 ? [] : textTable([head, ...calls.map((call) => callRow(call, server))], '    ')),
    ...(server.isFull ? ['    and others: the proxy counts no more clients'] : []),
    ...unread.map(({ pod, problem }) => `    pod ${pod} did not say: ${problem}`),
  ];
}

/** Says whose proxies may count nothing, so that it is not known that nobody calls. */
function untoldLines({ replicas, isPlainTextTold }: MeshStatus): readonly string[] {
  if (isPlainTextTold) return [];
  const silent = replicas.flatMap((one) => ('said' in one && one.said.countsPlainText ? [] : [one.name]));
  const who =
    silent.length === 0 ? 'no replica says' : `${silent.join(', ')} ${silent.length === 1 ? 'does' : 'do'} not say`;
  const older = replicas.some((one) => 'said' in one && !one.said.countsPlainText) ? ', as of an older version' : '';
  return [`  ${who} that its proxies count${older}: others than those below may call`];
}

/** Formats a status for people. */
export function statusLines(status: MeshStatus, nowMs: number): readonly string[] {
  const { servers } = status;
  return [
    ...controlPlaneLines(status),
    '',
    ...(servers.length === 0
      ? ['Calls in plain text: there is no pod with a proxy of the mesh']
      : [
          'Calls in plain text',
          ...untoldLines(status),
          ...servers.flatMap((server) => serverLines(server, status.isPlainTextTold, nowMs)),
        ]),
  ];
}
