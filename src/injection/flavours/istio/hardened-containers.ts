import { tokenPath } from '../../../pod/conventions.ts';
import type { PodSettings } from '../../../settings/effective.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { Fragment, PlacedContainer } from '../../../sidecars/fragment.ts';
import { patchContainer } from '../../../sidecars/patched-container.ts';
import { tokenMask, tokenMaskVolume } from '../../../sidecars/token-mask.ts';
import { proxyName } from '../../../istio/templates/template-pod.ts';
import { initNames } from '../../../istio/templates/init-container.ts';

function hardened(container: PlacedContainer['container']): PlacedContainer['container'] {
  const security: JsonObject = objectMember(container, 'securityContext') ?? {};
  const mounts = objectsMember(container, 'volumeMounts').filter((one) => stringMember(one, 'mountPath') !== tokenPath);
  return {
    ...container,
    securityContext:
      member(security, 'seccompProfile') === undefined
        ? { ...security, seccompProfile: { type: 'RuntimeDefault' } }
        : security,
    volumeMounts: [...mounts, tokenMask],
  };
}

/** A profile's patches by the container that they apply to. */
type Patches = PodSettings['patches'];

function patchFor(name: string, { proxy, init }: Patches): Patches['proxy'] {
  if (name === proxyName) return proxy;
  return name === initNames.load || name === initNames.check ? init : [];
}

/**
 * Applies what Istio's templates lack: a seccomp profile for every injected container, a mask over the API token, which
 * the agent does not read (it has a token of its own), and the patches of the pod's profile. `misfits` lists patches
 * that do not fit. Application containers stay as they are.
 */
export function harden(
  fragment: Fragment,
  application: ReadonlySet<string>,
  patches: Patches,
): { readonly fragment: Fragment; readonly misfits: readonly string[] } {
  const misfits: string[] = [];
  const change = (placed: PlacedContainer): PlacedContainer => {
    const { name } = placed.container;
    if (application.has(name)) return placed;
    const patched = patchContainer(placed.container, patchFor(name, patches));
    if ('misfit' in patched) misfits.push(`container ${name}: ${patched.misfit}`);
    return { ...placed, container: hardened('misfit' in patched ? placed.container : patched.container) };
  };
  const containers = fragment.containers.map(change);
  const isChanged = containers.some((placed, index) => placed !== fragment.containers[index]);
  const volumes = isChanged ? [...fragment.volumes, tokenMaskVolume] : fragment.volumes;
  return { fragment: { ...fragment, containers, volumes }, misfits };
}
