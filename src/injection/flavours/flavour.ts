import type { Problem } from '../../grammar/problem.ts';
import type { AddressVariables } from '../../istio/address-variables.ts';
import type { PodView } from '../../pod/view.ts';
import type { Effective } from '../../settings/effective.ts';
import type { Settings } from '../../settings/schema/configuration.ts';
import type { RememberedFragments } from '../cache/fragments.ts';
import type { InjectionRequest } from '../decision.ts';
import type { Proposal, Reasons, NotInjected } from '../patch/proposal.ts';
import type { InjectionStatus } from '../patch/status.ts';
import type { Allowed } from '../patch/verify.ts';
import type { Snapshot } from '../snapshot.ts';

/** One kind of proxy that pods get, chosen once by the settings' mode. */
export interface Flavour {
  /** Names of the sidecars that are there without a template object. */
  templates(settings: Settings): readonly string[];
  /** What it needs beyond well-formed settings; `declared` are the references of the declared templates. */
  problems(settings: Settings, declared: readonly string[]): readonly Problem[];
  /** What of a profile's patches does not fit the containers that a plain pod gets. */
  misfits(effective: Effective): readonly string[];
  /** Whether the pod's status is of another injector's whose work this one goes on with. */
  continues(view: PodView): boolean;
  /** What is done to a pod that carries no status of ours. */
  inject(
    view: PodView,
    request: InjectionRequest,
    snapshot: Snapshot,
    why: Reasons,
    remembered: RememberedFragments,
  ): Proposal | NotInjected;
  /** What is done to a pod that carries a status of ours, of these settings, which fits it. */
  reinvoke(
    view: PodView,
    record: InjectionStatus,
    request: InjectionRequest,
    snapshot: Snapshot,
  ): Proposal | NotInjected;
  /** What the verification may see that is a defect otherwise. */
  allowed(settings: Settings): Allowed;
  /** Reads variables of the proxy from the address on which the webhook is called; without it there are none. */
  readonly readAddress?: (path: string) => AddressVariables;
  /** Whether decisions depend on annotations of namespaces. */
  needsNamespaces(settings: Settings): boolean;
}
