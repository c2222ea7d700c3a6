import type { Snapshot } from '../../../index.ts';
import { stableVariant } from '../../../settings/schema/variant.ts';
import { exitCodes, print, printJson, type Io } from '../../io.ts';
import { textTable } from '../../text-table.ts';
import { inCluster } from './cluster.ts';
import type { StatusOptions } from './options.ts';
import { keptBecause } from './restart.ts';
import { surveyOwners, type OwnerPods } from './survey.ts';

/** Figures of one variant. */
interface VariantFigures {
  readonly variant: string;
  /** Share of the owners by the settings; undefined for `stable`, which gets the rest, and for one that is not in them. */
  readonly percent: number | undefined;
  /** Owners whose pods have it, wholly or in part. */
  readonly owners: number;
  readonly pods: number;
  /** Owners whose new pods would get it. */
  readonly wanted: number;
}

/** How far a rollout has come. */
export interface RolloutStatus {
  readonly variants: readonly VariantFigures[];
  readonly pods: number;
  readonly owners: number;
  /** Owners of which a pod would be injected otherwise now. */
  readonly outdated: readonly string[];
  /** Owners of which a pod would be denied or lose its sidecar now, so that nothing renews it, and why. */
  readonly kept: readonly { readonly owner: string; readonly why: string }[];
  /** Pods by version and settings that they were injected with. */
  readonly injectedBy: readonly { readonly version: string; readonly settings: string; readonly pods: number }[];
}

function nameOf({ namespace, owner }: OwnerPods): string {
  return `${namespace} ${owner.kind}/${owner.name}`;
}

/** Counts what owners and pods are on. */
export function figuresOf(owners: readonly OwnerPods[], { settings }: Pick<Snapshot, 'settings'>): RolloutStatus {
  const states = owners.flatMap((one) => one.states);
  const { variants } = settings;
  const names = new Set([stableVariant, ...variants.map(({ name }) => name), ...states.map(({ variant }) => variant)]);
  const sources = Object.entries(Object.groupBy(states, ({ version, settingsHash }) => `${version} ${settingsHash}`));
  return {
    variants: [...names].map((variant) => ({
      variant,
      percent: variants.find(({ name }) => name === variant)?.percent,
      owners: owners.filter((one) => one.states.some((state) => state.variant === variant)).length,
      pods: states.filter((state) => state.variant === variant).length,
      wanted: owners.filter((one) =>
        one.states.some(({ renewal }) => 'variant' in renewal && renewal.variant === variant),
      ).length,
    })),
    pods: states.length,
    owners: owners.length,
    outdated: owners.filter((one) => one.states.some(({ renewal }) => renewal.as === 'outdated')).map(nameOf),
    kept: owners.flatMap((one) => {
      const why = one.states.map(({ renewal }) => keptBecause(renewal)).find((text) => text !== undefined);
      return why === undefined ? [] : [{ owner: nameOf(one), why }];
    }),
    injectedBy: sources
      .map(([key, pods = []]) => {
        const [version = '', hash = ''] = key.split(' ');
        return { version, settings: hash, pods: pods.length };
      })
      .toSorted((left, right) => right.pods - left.pods),
  };
}

function isCurrent({ outdated, kept }: RolloutStatus): boolean {
  return outdated.length === 0 && kept.length === 0;
}

const mostNames = 20;

function named(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const first = names.slice(0, mostNames).map((name) => `  ${name}`);
  const more = names.length - first.length;
  return [`${names.length} ${what}`, ...first, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function statusLines(status: RolloutStatus, hash: string): string[] {
  const share = (part: number): string =>
    status.owners === 0 ? '' : ` (${Math.round((part / status.owners) * 1_000) / 10} %)`;
  const percentText = ({ variant, percent }: VariantFigures): string => {
    if (percent !== undefined) return `${percent} %`;
    return variant === stableVariant ? 'the rest' : 'not in the settings';
  };
  const variants = status.variants.map((one) => [
    one.variant,
    percentText(one),
    `${one.owners}${share(one.owners)}`,
    String(one.pods),
    `${one.wanted}${share(one.wanted)}`,
  ]);
  const sources = status.injectedBy.map(({ version, settings, pods }) => [
    version,
    `${settings}${settings === hash ? ' (current)' : ''}`,
    String(pods),
  ]);
  return [
    ...textTable([['VARIANT', 'SHARE', 'OWNERS', 'PODS', 'OWNERS OF NEW PODS'], ...variants], ''),
    '',
    ...textTable([['VERSION', 'SETTINGS', 'PODS'], ...sources], ''),
    '',
    ...(isCurrent(status) ? ['Every pod is as a new one would be.'] : []),
    ...named(`of ${status.owners} owners have pods that would be injected otherwise now:`, status.outdated),
    ...named(
      `of ${status.owners} owners have pods that nothing renews:`,
      status.kept.map(({ owner, why }) => `${owner}: ${why}`),
    ),
  ];
}

/** Runs `rollout status` and returns its exit code. */
export async function runStatus(options: StatusOptions, io: Io): Promise<number> {
  return inCluster(options, io, async (client, cluster, injector) => {
    const owners = await surveyOwners(client, cluster, injector, options.namespace);
    const status = figuresOf(owners, injector.snapshot);
    if (options.output === 'json') printJson({ settings: injector.snapshot.hash, ...status }, io);
    else print(statusLines(status, injector.snapshot.hash), io);
    return isCurrent(status) ? exitCodes.fine : exitCodes.different;
  });
}
