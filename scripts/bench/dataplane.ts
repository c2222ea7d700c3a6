import { accessibleTo } from '../../test/support/processes/accessible-file.ts';
import { proxyUser } from '../../src/pod/conventions.ts';
import { prepareEnvoy } from '../../test/harness/tools/envoy.ts';
import {
  prepareInstructionCounter,
  prepareNetworkNamespaces,
  preparePackages,
} from '../../test/harness/tools/packages.ts';
import { joinEnvironments } from '../../test/harness/tools/tool.ts';
import { measureVariants } from './dataplane/costs.ts';
import { countInstructions } from './dataplane/instructions.ts';
import { measurePaths, ways, type PathEffort } from './dataplane/paths.ts';
import { sectionNotRun, writeSection, type Load } from './dataplane/section.ts';
import { asInjected, choices, fidelity, variants } from './dataplane/variants.ts';
import type { Effort } from './effort.ts';
import { describeMachine } from './machine.ts';
import type { Section } from './page-parts.ts';

interface Efforts {
  /** A rate at which caches go cold between two requests, and one at which they stay warm. */
  readonly paths: readonly PathEffort[];
  readonly variants: PathEffort;
}

const connections = 10;
const efforts: Readonly<Record<Effort['name'], Efforts>> = {
  full: {
    paths: [
      { perSecond: 150, connections, seconds: 4, rounds: 5 },
      { perSecond: 1_000, connections, seconds: 2, rounds: 5 },
    ],
    variants: { perSecond: 150, connections, seconds: 2, rounds: 3 },
  },
  quick: {
    paths: [{ perSecond: 150, connections, seconds: 1, rounds: 2 }],
    variants: { perSecond: 150, connections, seconds: 1, rounds: 1 },
  },
};

/** Measures the injected proxy under traffic, or says what this machine lacks for it. */
export async function benchDataplane(effort: Effort, say: (line: string) => void): Promise<Section> {
  const tools = [
    await preparePackages(),
    await prepareNetworkNamespaces(),
    await prepareEnvoy(),
    await prepareInstructionCounter(),
  ];
  for (const tool of tools) if (tool.state === 'missing') return sectionNotRun(tool.needs);
  const { ENVOY_BIN: envoy = '', PATH } = joinEnvironments(tools);
  Object.assign(process.env, { PATH, ENVOY_BIN: envoy });
  const binary = accessibleTo(proxyUser.uid, envoy);
  const machine = describeMachine();
  try {
    const loads: Load[] = [];
    for (const one of efforts[effort.name].paths) {
      say(`ways through the proxy, ${one.perSecond} requests a second …`);
      loads.push({ effort: one, paths: await measurePaths(binary.path, ways, one) });
    }
    say('variants of the proxy …');
    const figures = await measureVariants(binary.path, variants, efforts[effort.name].variants);
    say('instructions of the proxy …');
    const instructions = await countInstructions(
      binary.path,
      effort.name === 'full' ? [...choices, ...fidelity] : [asInjected],
    );
    return writeSection({ loads, variants: figures, instructions, machine });
  } finally {
    binary.remove();
  }
}
