/** Requests from one service to another, as the proxy of the called one has counted them. */
export interface Calls {
  readonly from: string;
  readonly to: string;
  readonly requests: number;
  /** Name in the certificate that the caller has shown; undefined for plain text. */
  readonly identity: string | undefined;
}

function labelsIn(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** Reads who has called the service of this page of metrics (Prometheus' text format). */
export function readCalls(page: string): readonly Calls[] {
  const found = new Map<string, Calls>();
  for (const [, labelText = '', count = ''] of page.matchAll(/^istio_requests_total\{(.*)\} (\d+)$/gm)) {
    const labels = labelsIn(labelText);
    if (labels.get('reporter') !== 'destination') continue;
    const from = labels.get('source_workload') ?? 'unknown';
    const to = labels.get('destination_workload') ?? 'unknown';
    const isMutual = labels.get('connection_security_policy') === 'mutual_tls';
    const identity = isMutual ? labels.get('source_principal') : undefined;
    const key = `${from} ${to} ${identity}`;
    found.set(key, { from, to, identity, requests: (found.get(key)?.requests ?? 0) + Number(count) });
  }
  return [...found.values()];
}

/** Draws calls as lines of text, each service below the one that calls it. */
export function drawCalls(calls: readonly Calls[]): readonly string[] {
  const called = new Set(calls.map(({ to }) => to));
  const roots = [...new Set(calls.map(({ from }) => from))].filter((name) => !called.has(name));
  const drawFrom = (name: string, indent: string, seen: ReadonlySet<string>): string[] =>
    calls
      .filter(({ from }) => from === name)
      .flatMap(({ to, requests, identity }) => {
        const how = identity === undefined ? 'plain text' : `mutual TLS, certificate ${identity}`;
        const line = `${indent}└─ ${requests} requests ─> ${to}   (${how})`;
        return seen.has(to) ? [line] : [line, ...drawFrom(to, `${indent}   `, new Set([...seen, to]))];
      });
  return roots.flatMap((name) => [
    name === 'unknown' ? 'somebody without a certificate' : name,
    ...drawFrom(name, '', new Set([name])),
  ]);
}
