// test.ts [TIER...] [-- ARGUMENTS OF JEST]   runs the tiers of the tests (all without a name) and counts
// A run without a tier's name decides about a change, and so does every run with CI=true: the seeds are fixed, and files that
// need real parts get a second try. With CI=true a tier that this machine cannot run counts as failed.
import { prepareCertManager } from '../test/harness/tools/cert-manager.ts';
import { prepareForeignWebhooks } from '../test/harness/tools/foreign-webhooks.ts';
import { prepareEnvoy } from '../test/harness/tools/envoy.ts';
import { prepareGatewayConformance } from '../test/harness/tools/gateway-conformance.ts';
import { prepareIstioInjector } from '../test/harness/tools/istio-injector.ts';
import { prepareIstiod } from '../test/harness/tools/istiod.ts';
import { prepareKubernetes } from '../test/harness/tools/kubernetes.ts';
import { actionlint, crane, oldKustomize, prepareInstalled } from '../test/harness/tools/go-install.ts';
import { prepareNodePrograms } from '../test/harness/tools/node-programs.ts';
import { prepareOlderNode } from '../test/harness/tools/older-node.ts';
import {
  prepareBrowser,
  prepareNetworkNamespaces,
  prepareNodePackages,
  preparePackages,
  prepareSidecarPackages,
} from '../test/harness/tools/packages.ts';
import { joinEnvironments, say, seconds, type Tool } from '../test/harness/tools/tool.ts';
import { collector, dashboardReader, jaeger, prepareGoProgram, yamlReader } from '../test/harness/tools/go-program.ts';
import { writeReport } from '../test/harness/tiers/report.ts';
import { fixedSeeds } from '../test/harness/tiers/seeds.ts';
import { tiers } from '../test/harness/tiers/table.ts';
import type { Result, Tier, ToolName, Tools } from '../test/harness/tiers/tier.ts';

const [names, jestArguments] = splitArguments(process.argv.slice(2));
const unknown = names.filter((name) => !tiers.some((tier) => tier.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown tier ${unknown.join(', ')}: allowed are ${tiers.map((tier) => tier.name).join(', ')}\n`,
  );
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const chosen = tiers.filter((tier) => (names.length === 0 ? tier.onRequest !== true : names.includes(tier.name)));
const strict = process.env['CI'] === 'true';
const decides = strict || names.length === 0;
const tools = await startTools(new Set(chosen.flatMap((tier) => tier.needs)));
const results: Result[] = [];
for (const tier of chosen) results.push(await runTier(tier, tools));

const report = writeReport(results, strict);
process.stdout.write(`${report.lines.join('\n')}\n`);
process.exitCode = report.failed > 0 ? 1 : 0;

function splitArguments(given: readonly string[]): [tierNames: readonly string[], rest: readonly string[]] {
  const end = given.indexOf('--');
  return end === -1 ? [given, []] : [given.slice(0, end), given.slice(end + 1)];
}

/** Starts to prepare what is needed. Small things are waited for; the long build runs beside the first tiers. */
async function startTools(needed: ReadonlySet<ToolName>): Promise<Tools> {
  const none: Tool = { state: 'ready' };
  const prepare = async (name: ToolName, start: () => Promise<Tool>) => (needed.has(name) ? start() : none);
  const packages = await prepare('packages', preparePackages);
  const browser = await prepare('browser', prepareBrowser);
  const nodePackages = await prepare('node packages', prepareNodePackages);
  const sidecarPackages = await prepare('sidecar programs', prepareSidecarPackages);
  const namespaces = await prepare('network namespaces', prepareNetworkNamespaces);
  const envoy = await prepare('envoy', prepareEnvoy);
  const olderNode = await prepare('older Node', prepareOlderNode);
  const kubernetes = prepare('kubernetes', prepareKubernetes);
  const kustomize = kubernetes.then(() => prepare('kustomize', () => prepareInstalled(oldKustomize)));
  // Built one after the other: what tiers wait for first comes first.
  const nodePrograms = kustomize.then(() => prepare('node programs', prepareNodePrograms));
  const istioInjector = nodePrograms.then(() => prepare('istio injector', prepareIstioInjector));
  const conformance = istioInjector.then(() => prepare('gateway conformance', prepareGatewayConformance));
  const yaml = kustomize.then(() => prepare('YAML reader', () => prepareGoProgram(yamlReader)));
  return {
    packages: Promise.resolve(packages),
    browser: Promise.resolve(browser),
    'node packages': Promise.resolve(nodePackages),
    'sidecar programs': Promise.resolve(sidecarPackages),
    'network namespaces': Promise.resolve(namespaces),
    envoy: Promise.resolve(envoy),
    kubernetes,
    kustomize,
    'YAML reader': yaml,
    'older Node': Promise.resolve(olderNode),
    'cert-manager': yaml.then(() => prepare('cert-manager', prepareCertManager)),
    'foreign webhooks': yaml.then(() => prepare('foreign webhooks', prepareForeignWebhooks)),
    crane: yaml.then(() => prepare('crane', () => prepareInstalled(crane))),
    actionlint: yaml.then(() => prepare('actionlint', () => prepareInstalled(actionlint))),
    'dashboard reader': yaml.then(() => prepare('dashboard reader', () => prepareGoProgram(dashboardReader))),
    collector: yaml.then(() => prepare('collector', () => prepareGoProgram(collector))),
    jaeger: yaml.then(() => prepare('jaeger', () => prepareGoProgram(jaeger))),
    'node programs': nodePrograms,
    'istio injector': istioInjector,
    'gateway conformance': conformance,
    istiod: conformance.then(() => prepare('istiod', prepareIstiod)),
  };
}

async function runTier(tier: Tier, prepared: Tools): Promise<Result> {
  const startMs = Date.now();
  process.stdout.write(`\n==> ${tier.name}\n`);
  const name = tier.name;
  const ready: Tool[] = [];
  for (const need of tier.needs) {
    const tool = await waitFor(need, prepared[need]);
    if (tool.state === 'missing') return { tier: name, passed: 0, failed: 0, seconds: 0, needs: tool.needs };
    if (tool.state === 'broken') {
      process.stdout.write(`${tool.problem}\n`);
      return { tier: name, passed: 0, failed: 1, seconds: 0, note: tool.problem.split('\n', 1)[0] ?? '' };
    }
    ready.push(tool);
  }
  const outcome = await tier.run(name, {
    env: { ...(decides && fixedSeeds(process.env)), ...joinEnvironments(ready) },
    arguments: [...(tier.jestArguments ?? []), ...jestArguments],
    secondTry: decides && tier.secondTry === true,
  });
  return { tier: name, ...outcome, seconds: Math.round((Date.now() - startMs) / 1000) };
}

/** Waits for a tool and says so now and then, so that a long build does not look like a hang. */
async function waitFor(name: ToolName, tool: Promise<Tool>): Promise<Tool> {
  const startMs = Date.now();
  const reminder = setInterval(() => say(`waiting for ${name}, ${seconds(startMs)}`), 30_000);
  try {
    return await tool;
  } finally {
    clearInterval(reminder);
  }
}
