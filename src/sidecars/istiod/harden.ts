import { tokenPath } from '../../settings/constants.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../settings/json.ts';
import type { Fragment, PlacedContainer } from '../fragment.ts';
import { tokenMask, tokenMaskVolume } from '../token-mask.ts';

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

/**
 * What Istio's templates leave open: a seccomp profile for every injected container, and the API token out of them, which
 * the agent does not read (it has a token of its own). Containers of the application stay as they are.
 */
export function harden(fragment: Fragment, application: ReadonlySet<string>): Fragment {
  const isOurs = ({ container }: PlacedContainer): boolean => !application.has(container.name);
  if (!fragment.containers.some(isOurs)) return fragment;
  return {
    ...fragment,
    containers: fragment.containers.map((placed) =>
      isOurs(placed) ? { ...placed, container: hardened(placed.container) } : placed,
    ),
    volumes: [...fragment.volumes, tokenMaskVolume],
  };
}
