import type { Problem } from '../../grammar/problem.ts';
import type { AddressVariables } from '../../istio/address-variables.ts';
import type { PodContainer } from '../../pod/containers.ts';
import type { PodView } from '../../pod/view.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { Settings } from '../../settings/schema/configuration.ts';
import type { Leftovers } from '../plan/leftovers.ts';
import type { RememberedFragments } from '../cache/fragments.ts';
import type { InjectionRequest } from '../decision.ts';
import type { NotInjected, Proposal } from '../patch/proposal.ts';
import type { Reasons } from '../policy/reason.ts';
import type { InjectionStatus } from '../patch/status.ts';
import type { Allowed } from '../patch/verify.ts';
import type { Snapshot } from '../snapshot.ts';

/** One kind of proxy and its rules, chosen once by the mode of the settings. */
export interface Flavour {
  /** Returns the names of sidecars that exist without a template object. */
  templates(settings: Settings): readonly string[];
  /** Returns problems of well-formed settings. `declared` are the references of the declared templates. */
  problems(settings: Settings, declared: readonly string[]): readonly Problem[];
  /** Returns which patches of a profile do not fit the containers that a plain pod gets. */
  misfits(effective: PodSettings): readonly string[];
  /** Returns whether the pod has the status of another injector whose work this flavour continues. */
  continues(view: PodView): boolean;
  /** Returns whether the container has the name of one of the proxy's but belongs to another mesh. */
  isForeign(container: PodContainer): boolean;
  /** Returns what an earlier injection has left in a pod that has no status annotation, if anything. */
  leftovers(view: PodView, request: InjectionRequest, snapshot: Snapshot): Leftovers | undefined;
  /** Plans the injection of a pod without a status annotation of ours. */
  inject(
    view: PodView,
    request: InjectionRequest,
    snapshot: Snapshot,
    why: Reasons,
    remembered: RememberedFragments,
  ): Proposal | NotInjected;
  /**
   * Plans the changes to a pod with a status annotation of ours that fits the pod and was written with these settings.
   */
  reinvoke(
    view: PodView,
    record: InjectionStatus,
    request: InjectionRequest,
    snapshot: Snapshot,
  ): Proposal | NotInjected;
  /** Returns what verification must accept although it otherwise counts as a violation. */
  allowed(settings: Settings): Allowed;
  /** Reads proxy variables from the address on which the webhook is called. Flavours without this have none. */
  readonly readAddress?: (path: string) => AddressVariables;
}
