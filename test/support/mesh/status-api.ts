import type { JsonObject } from '../../../src/json/json.ts';
import { startFakeApiServer, type FakeApiServer } from '../../unit/kubernetes/fake-api-server.ts';

/** A page of a pod, as the API server's proxy of pods passes it on. */
export interface PodPage {
  readonly status?: number;
  readonly body: string;
}

/** An API server with these objects, through which pods can be asked. */
export interface StatusApi {
  readonly server: FakeApiServer;
  /** What is answered when a collection is listed, by its path. */
  readonly collections: Map<string, readonly JsonObject[]>;
  /** Answers for a pod; what it throws is an answer 503. */
  page: (pod: string, port: number, path: string) => PodPage | Promise<PodPage>;
}

/** Starts the server. Whoever does it closes it. */
export async function startStatusApi(): Promise<StatusApi> {
  const server = await startFakeApiServer();
  const api: StatusApi = { server, collections: new Map(), page: () => ({ status: 404, body: '' }) };
  server.intercept = ({ path }, response) => {
    const send = (status: number, body: string): void => void response.writeHead(status).end(body);
    const [, pod, port, page] = /^\/api\/v1\/namespaces\/([^/]+\/pods\/[^:/]+):(\d+)\/proxy(\/.*)$/.exec(path) ?? [];
    if (pod !== undefined && page !== undefined) {
      const answered = (async () => api.page(pod.replace('/pods/', '/'), Number(port), page))();
      void answered.then(
        ({ status = 200, body }) => send(status, body),
        (error: unknown) => send(503, JSON.stringify({ kind: 'Status', message: String(error) })),
      );
      return true;
    }
    const items = api.collections.get(path.split('?', 1)[0] ?? '');
    if (items === undefined) send(404, JSON.stringify({ kind: 'Status', message: 'not found' }));
    else send(200, JSON.stringify({ items }));
    return true;
  };
  return api;
}

const counts = { opening: 0, clients: 0, closing: 0, draining: 0 };

/** Pages of a replica of the control plane that has these proxies. */
export function replicaPage(path: string, proxies: number, inSync = proxies): PodPage {
  const modes = { objects: 'a', at: { ...counts, clients: 2 }, unacknowledged: counts, countsPlainText: true };
  if (path === '/modes') return { body: JSON.stringify(modes) };
  if (path === '/guards') return { body: JSON.stringify({ guards: 'a', unheld: ['uid-1'] }) };
  const prefix = 'sidecar_injector_mesh_';
  const series = [
    'build_info{version="0.1.0"} 1',
    `streams ${proxies}`,
    `streams_in_sync ${inSync}`,
    'withheld_resources{kind="cluster"} 1',
    'withheld_resources{kind="routes"} 2',
    'streams_of_nobody 7',
  ];
  return { body: series.map((one) => `# HELP ${one}\n${prefix}${one}\n`).join('') };
}
