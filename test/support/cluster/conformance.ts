import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { injected } from '../processes/test-cluster.ts';

/** Gateway API's conformance tests of a mesh. */
export const conformanceTests = [
  'MeshBasic',
  'MeshTrafficSplit',
  'MeshPorts',
  'MeshConsumerRoute',
  'MeshFrontend',
  'MeshFrontendHostname',
  'MeshGRPCRouteWeight',
  'MeshHTTPRouteSimpleSameNamespace',
  'MeshHTTPRouteMatching',
  'MeshHTTPRouteNamedRule',
  'MeshHTTPRouteQueryParamMatching',
  'MeshHTTPRouteWeight',
  'MeshHTTPRouteRequestHeaderModifier',
  'MeshHTTPRouteBackendRequestHeaderModifier',
  'MeshHTTPRouteRewritePath',
  'MeshHTTPRouteRedirectHostAndStatus',
  'MeshHTTPRouteRedirectPath',
  'MeshHTTPRouteRedirectPort',
  'MeshHTTPRouteSchemeRedirect',
  'MeshHTTPRoute303Redirect',
  'MeshHTTPRoute307Redirect',
  'MeshHTTPRoute308Redirect',
] as const;

const features = [
  'Mesh',
  'HTTPRoute',
  'GRPCRoute',
  'MeshClusterIPMatching',
  'MeshConsumerRoute',
  'MeshHTTPRouteRewritePath',
  'MeshHTTPRouteSchemeRedirect',
  'MeshHTTPRouteRedirectPort',
  'MeshHTTPRouteRedirectPath',
  'MeshHTTPRouteBackendRequestHeaderModification',
  'MeshHTTPRouteQueryParamMatching',
  'MeshHTTPRouteNamedRouteRule',
  'HTTPRouteParentRefPort',
  'HTTPRouteResponseHeaderModification',
  'HTTPRoute303RedirectStatusCode',
  'HTTPRoute307RedirectStatusCode',
  'HTTPRoute308RedirectStatusCode',
];

/** How a test of the suite ended, and what was printed of it. */
export interface ConformanceResult {
  readonly outcome: 'PASS' | 'FAIL' | 'SKIP';
  readonly log: string;
}

/** What the suite printed. The lines of the tests are what counts: its report leaves tests out. */
export interface ConformanceRun {
  readonly results: ReadonlyMap<string, ConformanceResult>;
  /** Everything. */
  readonly log: string;
}

/** The folder of the suite and what belongs to it. */
export function conformancePrograms(): string {
  const folder = process.env['GATEWAY_CONFORMANCE'];
  if (folder === undefined || folder === '') throw new Error('no suite: run these tests with `make test-conformance`');
  return folder;
}

/** Reads what `go test -v` prints of the tests of the suite; those that did not end are not there. */
export function readRun(lines: readonly string[]): ConformanceRun {
  const logs = new Map<string, string[]>();
  const outcomes = new Map<string, ConformanceResult['outcome']>();
  let current: string[] | undefined;
  for (const line of lines) {
    const running = /^=== (?:RUN|CONT|NAME) +TestConformance(?:\/(?<name>[^/\s]+))?/.exec(line);
    if (running !== null) {
      const name = running.groups?.['name'];
      current = name === undefined ? undefined : (logs.get(name) ?? []);
      if (name !== undefined && current !== undefined) logs.set(name, current);
    }
    current?.push(line);
    const ended = /^ {4}--- (?<outcome>PASS|FAIL|SKIP): TestConformance\/(?<name>[^/\s]+) /.exec(line)?.groups;
    if (ended !== undefined) outcomes.set(ended['name'] ?? '', ended['outcome'] as ConformanceResult['outcome']);
  }
  const results = [...outcomes].map(
    ([name, outcome]) => [name, { outcome, log: (logs.get(name) ?? []).join('\n') }] as const,
  );
  return { results: new Map(results), log: lines.join('\n') };
}

/** Runs the suite against the cluster of `KUBECONFIG`, or one of its tests. */
export async function runConformance(only?: string): Promise<ConformanceRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-conformance-'));
  try {
    const options = path.join(folder, 'options.yaml');
    const labels = { namespaceLabels: injected, timeoutConfig: { maxTimeToConsistency: '15s' } };
    await writeFile(options, JSON.stringify(labels));
    const child = spawn(
      path.join(conformancePrograms(), 'suite'),
      [
        '-conformance-profiles=MESH-HTTP,MESH-GRPC',
        `-supported-features=${features.join(',')}`,
        `-conformance-options-file=${options}`,
        ...(only === undefined ? [] : ['-run-test', only]),
        '-test.v',
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      if (/^ *--- /.test(line)) process.stdout.write(`${line}\n`);
    });
    await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return readRun(lines);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
