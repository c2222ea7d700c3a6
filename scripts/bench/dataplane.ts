import { accessibleTo } from '../../test/support/accessible-file.ts';
import { proxyUser } from '../../src/settings/constants.ts';
import { prepareEnvoy } from '../tools/envoy.ts';
import { prepareNetworkNamespaces, preparePackages } from '../tools/packages.ts';
import { joinEnvironments } from '../tools/tool.ts';
import { measureVariants } from './dataplane/costs.ts';
import { measurePaths, ways, type PathEffort } from './dataplane/paths.ts';
import { sectionNotRun, writeSection } from './dataplane/section.ts';
import { variants } from './dataplane/variants.ts';
import type { Effort } from './effort.ts';
import { describeMachine } from './machine.ts';
import type { Section } from './page-parts.ts';

const load = { perSecond: 150, connections: 10 };
const efforts: Readonly<Record<Effort['name'], Readonly<Record<'paths' | 'variants', PathEffort>>>> = {
  full: { paths: { ...load, seconds: 4, rounds: 5 }, variants: { ...load, seconds: 2, rounds: 3 } },
  quick: { paths: { ...load, seconds: 1, rounds: 2 }, variants: { ...load, seconds: 1, rounds: 1 } },
};

/** Measures the injected proxy under traffic, or says what this machine lacks for it. */
export async function benchDataplane(effort: Effort, say: (line: string) => void): Promise<Section> {
  const tools = [await preparePackages(), await prepareNetworkNamespaces(), await prepareEnvoy()];
  for (const tool of tools) if (tool.state === 'missing') return sectionNotRun(tool.needs);
  const { ENVOY_BIN: envoy = '', PATH } = joinEnvironments(tools);
  process.env['PATH'] = PATH;
  const binary = accessibleTo(proxyUser.uid, envoy);
  const machine = describeMachine();
  try {
    say('ways through the proxy …');
    const paths = await measurePaths(binary.path, ways, efforts[effort.name].paths);
    say('variants of the proxy …');
    const figures = await measureVariants(binary.path, variants, efforts[effort.name].variants);
    return writeSection({ paths, variants: figures, effort: efforts[effort.name].paths, machine });
  } finally {
    binary.remove();
  }
}
