import type { Command } from 'commander';
import type { Io } from '../../../io.ts';
import { addClusterOptions, addExamples, addExitCodes, addOutputOption, collect } from '../../../options.ts';
import type { ExplainCallOptions } from './options.ts';

/** `mesh explain`: says what a call of a client meets, and which objects decide on it. */
export function registerExplainCall(mesh: Command, io: Io): void {
  const command = mesh
    .command('explain')
    .description(
      'Explain what a call from SRC to DST meets: listener, route, clusters, endpoints, certificates, which objects decide, and which do not and why. SRC is a pod or a workload as KIND/NAME in the namespace of -n, such as pod/web-1 or deploy/web. DST is [SCHEME://]HOST[:PORT][/PATH], such as http://reviews:9080/api; the scheme is http, https, grpc or tcp, and a HOST is looked up as a pod of SRC would.',
    )
    .argument('<src>', 'client: pod, deployment, statefulset, daemonset, job or another kind, a slash, and its name')
    .argument('<dst>', 'what it calls: a URL, or HOST:PORT for one of HTTP')
    .option('--method <method>', 'method of the request (default: GET, of gRPC POST)')
    .option('--path <path>', 'path of the request with its query, if the URL has none (default: /)')
    .option('--header <name=value>', 'header of the request; can be repeated. All others are absent', collect)
    .option(
      '-f, --filename <path>',
      'file, folder or - for standard input, instead of the cluster; can be repeated',
      collect,
    )
    .option('--live', 'look at the cluster also with -f: what it would be once the files are applied');
  addClusterOptions(command)
    .option(
      '-n, --namespace <name>',
      'namespace of SRC, and of objects in files that do not name one (default: "default")',
    )
    .option('--cluster-domain <name>', 'DNS domain of the cluster', 'cluster.local')
    .option('--root-namespace <name>', 'namespace whose rules count for all others', 'istio-system');
  addOutputOption(command, ['text', 'json'], 'output format: text for people, json for programs');
  addExamples(
    command,
    'sidecar-injector mesh explain deploy/web http://reviews:9080/api -n shop',
    'sidecar-injector mesh explain pod/web-1 reviews.shop:9080 --path /api --header x-canary=yes -f manifests/',
  );
  addExitCodes(command, {
    fine: 'explained',
    failed: 'invalid input, no such client or destination, or no answer of the cluster',
  });
  command.action(async (src: string, dst: string, options: ExplainCallOptions) => {
    const { runExplainCall } = await import('./run.ts');
    io.finish(await runExplainCall(src, dst, options, io));
  });
}
