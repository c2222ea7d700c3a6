import { byAge } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import { isSpecific, selects, type Selectable } from '../rules/security/selector.ts';
import type { MtlsMode, PeerAuthentication } from '../rules/security/peer-authentication.ts';
import type { Rules } from '../rules/rule-kinds.ts';

/** What a pod takes, mutual TLS or plain text: on most of its ports, and on those that are named. */
export interface PeerModes {
  readonly base: MtlsMode;
  /** By container port; only those that differ from the base. */
  readonly ports: ReadonlyMap<number, MtlsMode>;
}

/** Returns the modes of a pod. */
export type ModesOf<P> = (pod: P) => PeerModes;

type UsedRule = Rule<PeerAuthentication> & { readonly spec: PeerAuthentication };

/** What counts for a pod, and the objects that it comes from. */
export interface DecidedModes {
  readonly modes: PeerModes;
  /** The object that counts in the whole mesh, in the namespace, and for the workload, of those that there are. */
  readonly deciding: readonly UsedRule[];
  /** Objects for the same pods, mesh or namespace that have no effect, because an older one counts. */
  readonly passedOver: readonly UsedRule[];
}

/** Takes both: what counts where no object says anything. */
export const permissive: PeerModes = { base: 'PERMISSIVE', ports: new Map() };

/** Returns modes of which those of named ports differ from the base. */
export function modesFrom(base: MtlsMode, ports: Iterable<readonly [number, MtlsMode]>): PeerModes {
  const others = [...ports].filter(([, mode]) => mode !== base).toSorted(([one], [other]) => one - other);
  return { base, ports: new Map(others) };
}

/** Returns the mode of a container port. */
export function modeOf({ base, ports }: PeerModes, port: number): MtlsMode {
  return ports.get(port) ?? base;
}

/** Returns a text that is the same for equal modes. */
export function textOfModes({ base, ports }: PeerModes): string {
  return [base, ...[...ports].map(([port, mode]) => `${port}=${mode}`)].join(';');
}

function written({ spec: { mtls } }: UsedRule): MtlsMode | undefined {
  const mode = mtls?.mode;
  return mode === undefined || mode === 'UNSET' ? undefined : mode;
}

/** PeerAuthentications by what they are about. */
export interface PeerAuthentications {
  /** Returns what counts for a pod. Of several objects for the same, the oldest counts (Istio's rule). */
  decide(pod: Selectable): DecidedModes;
  modesOf: ModesOf<Selectable>;
}

/**
 * Sorts the PeerAuthentications of a cluster. One of the root namespace without a selector counts for all pods, one of a namespace
 * without a selector for its pods, and one with a selector for those that it selects: the most specific that says something counts. In the root namespace, one
 * with a selector counts for nobody (Istio's rule).
 */
export function indexPeerAuthentications(
  { PeerAuthentication: all }: Pick<Rules, 'PeerAuthentication'>,
  rootNamespace: string,
): PeerAuthentications {
  const byNamespace = new Map<string, UsedRule[]>();
  for (const rule of all.values()) {
    if (rule.spec === undefined) continue;
    const used = { ...rule, spec: rule.spec };
    byNamespace.set(rule.ref.namespace, [...(byNamespace.get(rule.ref.namespace) ?? []), used]);
  }
  for (const rules of byNamespace.values()) rules.sort((one, other) => byAge(one.ref, other.ref));

  function decide(pod: Selectable): DecidedModes {
    const own = byNamespace.get(pod.namespace) ?? [];
    const isGeneral = ({ spec }: UsedRule): boolean => !isSpecific(spec.selector);
    const ofNamespace = [
      own.filter(isGeneral),
      own.filter((rule) => !isGeneral(rule) && selects(rule.spec.selector, pod)),
    ];
    const groups = [
      (byNamespace.get(rootNamespace) ?? []).filter(isGeneral),
      ...(pod.namespace === rootNamespace ? [] : ofNamespace),
    ];
    const deciding = groups.flatMap(([first]) => first ?? []);
    const base = deciding.map(written).findLast((mode) => mode !== undefined) ?? 'PERMISSIVE';
    const workload = deciding.find((rule) => !isGeneral(rule));
    const ports = Object.entries(workload?.spec.portLevelMtls ?? {}).flatMap(([port, { mode }]) =>
      mode === 'UNSET' ? [] : [[Number(port), mode] as const],
    );
    return { modes: modesFrom(base, ports), deciding, passedOver: groups.flatMap(([, ...others]) => others) };
  }

  return {
    decide,
    modesOf: (pod) => (byNamespace.size === 0 ? permissive : decide(pod).modes),
  };
}
