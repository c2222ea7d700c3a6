import type { Fragment } from '../../../sidecars/fragment.ts';
import { applicationContainers, type PodContainer } from '../../../pod/containers.ts';
import type { PodView } from '../../../pod/view.ts';
import { hasShell } from '../../../sidecars/standalone/proxy-container.ts';
import { hidesToken } from '../../../sidecars/standalone/mesh-membership.ts';
import { builtInContainer } from '../../../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import { workloadOf } from '../../../pod/workload.ts';
import { names, proxyUser, type ProxyIdentity } from '../../../pod/conventions.ts';
import type { PodSettings } from '../../../settings/effective.ts';
import { objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { settingsOf } from '../../namespace-defaults.ts';
import { quote } from '../../../grammar/problem.ts';
import { mountProblems, proxyConflicts, proxyVolumeConflicts } from '../../plan/conflicts.ts';
import type { InjectionRequest } from '../../decision.ts';
import { platformIdsOf, identityOf, overridesOf, type TakenIds } from '../../plan/override.ts';
import { checkOverride, overrideWarnings } from '../../plan/override-check.ts';
import { fixedCaptureProblems } from '../../plan/fixed-capture.ts';
import { injectedContainers } from '../../plan/injected-probes.ts';
import { fitPodResources } from '../../plan/pod-resources.ts';
import { keepGuaranteed } from '../../plan/service-class.ts';
import { startedBeforeProxy } from '../../plan/start-order.ts';
import { profileWarning } from '../../policy/profile-label.ts';
import { type NotInjected } from '../../patch/proposal.ts';
import { atLeastOne, reason, reasonsOf, type Reason } from '../../policy/reason.ts';
import { planScrape, type ScrapePlan } from '../../plan/scrape.ts';
import { chooseSidecars, declareFragments, type ChosenSidecars } from '../../policy/selection.ts';
import { type Snapshot } from '../../snapshot.ts';

/** The result of pod, settings and sidecars together, if nothing in it prevents an injection. */
export interface ValidatedPod {
  readonly effective: PodSettings;
  /** Sidecars in the order of selection. */
  readonly chosen: ChosenSidecars['chosen'];
  readonly withProxy: boolean;
  readonly native: boolean;
  /** Fragments of the declared sidecars by reference. */
  readonly declared: ReadonlyMap<string, Fragment>;
  /** The pod's own copies of injected containers. */
  readonly overrides: readonly PodContainer[];
  readonly identity: ProxyIdentity;
  readonly scrape: ScrapePlan | undefined;
  readonly warnings: readonly string[];
}

function wantsNativeSidecar({ nativeSidecar }: PodSettings, snapshot: Snapshot): boolean {
  const setting = snapshot.settings.injection.nativeSidecars;
  return nativeSidecar ?? (setting === 'auto' ? snapshot.nativeSidecars : setting === 'always');
}

function isNative(effective: PodSettings, snapshot: Snapshot, warnings: string[]): boolean {
  const wanted = wantsNativeSidecar(effective, snapshot);
  if (!wanted || snapshot.nativeSidecars) return wanted;
  warnings.push(
    'this cluster does not run native sidecars (Kubernetes 1.29 and later do); the sidecar is a classic container',
  );
  return false;
}

/** Applies the image of the pod's own copy of the proxy, so that warnings and plan refer to it. */
function withOwnImage(effective: PodSettings, own: JsonObject | undefined): PodSettings {
  const image = stringMember(own, 'image');
  if (image === undefined || image === 'auto') return effective;
  return { ...effective, proxy: { ...effective.proxy, image } };
}

/** Warns about images without a shell: hooks are commands, and a distroless image has nothing to run them. */
function warningsAboutImage({ proxy: { image, holdApplication } }: PodSettings, native: boolean): string[] {
  if (hasShell(image)) return [];
  const unheld = !native && holdApplication ? ' and the application does not wait for it' : '';
  return [
    `proxy image ${quote(image)} has no shell for hooks: inbound connections are not drained at its end${unheld}`,
  ];
}

function overrideProblems(
  overrides: readonly PodContainer[],
  { proxy, capture, caps }: PodSettings,
  taken: TakenIds,
  {
    settings: {
      proxy: { allowedImages },
    },
  }: Snapshot,
  view: PodView,
): Reason[] {
  if (overrides.length === 0) return [];
  const problems = overrides.flatMap((override) => {
    const { image, imagePullPolicy } = override.name === names.proxyContainer ? proxy : capture;
    const ours = { ...builtInContainer(override.name), imagePullPolicy };
    return checkOverride(override, { image, allowedImages, caps, taken, ours, replaces: false });
  });
  const found = reasonsOf('InvalidOverride', problems);
  if (applicationContainers(view).every(({ list }) => list === 'initContainers')) {
    found.push(reason('InvalidOverride', 'the pod has no container of its own beside the injected ones'));
  }
  return found;
}

/** Returns mounts of the pod's own proxy by which it would not find its token. */
function tokenProblems(own: JsonObject | undefined, { mesh }: PodSettings): Reason[] {
  if (mesh === undefined) return [];
  return objectsMember(own, 'volumeMounts')
    .filter(hidesToken)
    .map((mount) => {
      const where = `container ${quote(names.proxyContainer)}, volumeMounts: ${quote(stringMember(mount, 'mountPath') ?? '')}`;
      return reason('InvalidOverride', `${where} hides the proxy's token for its control plane; mount it elsewhere`);
    });
}

/** A proxy that cannot know its control plane by a certificate would never start. */
function meshProblems({ mesh }: PodSettings): Reason[] {
  if (mesh === undefined || mesh.roots !== undefined) return [];
  const remedy =
    'install the mesh (deploy/mesh.yaml), and try again two minutes after it is ready; on the command line, give it with --mesh-roots FILE (docs/mesh.md)';
  return [reason('MeshNotReady', `the control plane of the mesh has published no root certificate yet; ${remedy}`)];
}

/** With this policy the proxy asks the node's resolver, which does not know Services. */
function warningsAboutDns({ spec }: PodView, { mesh }: PodSettings): string[] {
  if (mesh === undefined || stringMember(spec, 'dnsPolicy') !== 'Default') return [];
  return [`dnsPolicy "Default": the proxy does not start unless the node's resolver knows ${mesh.address}`];
}

/**
 * Runs all checks on the pod, its settings and its sidecars, and returns all reasons against the injection at once.
 * Conflicts between containers, volumes and mounts show only when the plan is made.
 */
export function validateInjection(
  view: PodView,
  request: InjectionRequest,
  snapshot: Snapshot,
): ValidatedPod | NotInjected {
  const settings = settingsOf(view, request, snapshot);
  const { base, effective: wanted } = settings;
  // The owner itself, not the workload name that the pod sets: nobody may choose their own canary.
  const owner = request.workload ?? workloadOf(view);
  const { chosen, problems } = chooseSidecars(wanted.templates, snapshot, { namespace: request.namespace, owner });
  const withProxy = wanted.templates.includes(builtInSidecar);
  const overrides = withProxy ? overridesOf(view) : [];
  const ownProxy = overrides.find(({ name }) => name === names.proxyContainer)?.raw;
  const taken = platformIdsOf(applicationContainers(view));
  const identity = identityOf(ownProxy, taken);
  const scrape = withProxy ? planScrape(view.annotations, wanted) : undefined;

  const warnings = [...settings.warnings];
  const profile = profileWarning(view.labels, wanted.profile, snapshot.settings.profiles);
  if (profile !== undefined) warnings.push(profile);
  const wantsNative = withProxy || [...chosen.values()].some((template) => template?.spec.mode === 'native');
  const native = wantsNative && isNative(wanted, snapshot, warnings);
  const declared = declareFragments(chosen, view, request.namespace, native, snapshot);
  const fitted = fitPodResources(view, { effective: wanted, declared: declared.fragments, withProxy, overrides });
  const effective = withOwnImage(keepGuaranteed(view, fitted.effective, ownProxy), ownProxy);
  warnings.push(...declared.warnings, ...fitted.warnings);

  const fixedCapture = withProxy
    ? fixedCaptureProblems(view, {
        base,
        effective,
        // A copy of the proxy's container that asks for another user is a problem of its own.
        identity: proxyUser,
        containers: [...applicationContainers(view), ...injectedContainers(declared.fragments.values())],
        recordedProbes: {},
        startedBefore: (settings) =>
          startedBeforeProxy({
            application: applicationContainers(view),
            selected: chosen.keys(),
            declared: declared.fragments,
            native: snapshot.nativeSidecars && wantsNativeSidecar(settings, snapshot),
            holdApplication: settings.proxy.holdApplication,
          }),
      })
    : [];

  const refused = atLeastOne([
    ...reasonsOf('InvalidAnnotation', [...settings.problems, ...fixedCapture]),
    ...problems,
    ...overrideProblems(overrides, fitted.effective, taken, snapshot, view),
    ...tokenProblems(ownProxy, effective),
    ...(withProxy
      ? [...proxyConflicts(view, effective, identity), ...proxyVolumeConflicts(view), ...mountProblems(view, effective)]
      : []),
    ...reasonsOf('InvalidAnnotation', scrape?.problems ?? []),
    ...(withProxy ? meshProblems(effective) : []),
    ...declared.problems,
  ]);
  if (refused !== undefined) return { outcome: 'deny', reasons: refused, warnings };
  if (withProxy) warnings.push(...warningsAboutImage(effective, native), ...warningsAboutDns(view, effective));
  warnings.push(...overrides.flatMap((override) => overrideWarnings(override, taken)));
  return { effective, chosen, withProxy, native, declared: fitted.declared, overrides, identity, scrape, warnings };
}
