import { wordsOf } from '../grammar/words.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { proxyUser, tokenPath } from '../pod/conventions.ts';
import { parseQuantity } from '../grammar/quantity.ts';
import { didYouMean } from '../grammar/suggestion.ts';
import { runsOn, type Fragment, type PlacedContainer } from './fragment.ts';
import { podSecurityViolations, type PodSecurityViolation } from '../pod/security.ts';
import type { PreparedTemplate } from './prepared-template.ts';

/** Fields of a container (k8s.io/api core/v1 `Container`); the API server silently drops a misspelt one. */
const containerFields = wordsOf(`
  name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules
  volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath
  terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty
`);

/**
 * Sums of the resources of containers that run beside the application, in base units. A limit is undefined if one of
 * the containers has none.
 */
interface AddedResources {
  readonly requests: { readonly cpu: number; readonly memory: number };
  readonly limits: { readonly cpu: number | undefined; readonly memory: number | undefined };
}

/** Findings about a template that works. */
export interface Lint {
  /** Violations of Pod Security levels by the injected pod. */
  readonly violations: readonly PodSecurityViolation[];
  readonly resources: AddedResources;
  /** Hints for the author, each with its place. */
  readonly hints: readonly string[];
}

function amount(container: JsonObject, part: 'requests' | 'limits', resource: 'cpu' | 'memory'): number | undefined {
  const value = member(objectMember(objectMember(container, 'resources'), part), resource);
  return typeof value === 'string' || typeof value === 'number' ? parseQuantity(String(value)) : undefined;
}

/** Adds up the resources of the sidecar's containers that run while the application runs. */
function addedResources(fragment: Fragment): AddedResources {
  const containers = fragment.containers.filter(runsOn).map(({ container }) => container);
  const sum = (part: 'requests' | 'limits', resource: 'cpu' | 'memory'): (number | undefined)[] =>
    containers.map((container) => amount(container, part, resource));
  const least = (values: readonly (number | undefined)[]): number =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const most = (values: readonly (number | undefined)[]): number | undefined =>
    values.includes(undefined) ? undefined : least(values);
  return {
    requests: { cpu: least(sum('requests', 'cpu')), memory: least(sum('requests', 'memory')) },
    limits: { cpu: most(sum('limits', 'cpu')), memory: most(sum('limits', 'memory')) },
  };
}

function tagHint(image: string): string | undefined {
  if (image.includes('@sha256:')) return undefined;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest'
    ? `image ${image}: name a version, or what runs changes by itself`
    : undefined;
}

function containerHints(placed: PlacedContainer, goesOn: boolean): string[] {
  const { container } = placed;
  const hints: string[] = [];
  for (const field of Object.keys(container)) {
    if (!containerFields.includes(field)) {
      hints.push(`${field}: no field of a container that is known here${didYouMean(field, containerFields)}`);
    }
  }
  for (const part of ['requests', 'limits'] as const) {
    const missing = (['cpu', 'memory'] as const).filter((resource) => amount(container, part, resource) === undefined);
    if (missing.length > 0)
      hints.push(`resources.${part}: no ${missing.join(' and ')}; quotas and autoscaling need it`);
  }
  if (runsOn(placed)) {
    const wanted = goesOn ? ['livenessProbe'] : ['livenessProbe', 'readinessProbe', 'startupProbe'];
    if (!wanted.some((probe) => objectMember(container, probe) !== undefined)) {
      hints.push('no probe: nobody notices when it hangs');
    }
  }
  const security = objectMember(container, 'securityContext');
  if (security === undefined) hints.push('no securityContext: it runs as the image and the cluster please');
  else if (member(security, 'readOnlyRootFilesystem') !== true) {
    hints.push('securityContext.readOnlyRootFilesystem is not true');
  }
  if (
    security !== undefined &&
    [member(security, 'runAsUser'), member(security, 'runAsGroup')].includes(proxyUser.uid)
  ) {
    hints.push(`runs as ${proxyUser.uid}, the proxy's user: its traffic is not captured`);
  }
  const mounts = objectsMember(container, 'volumeMounts').map((mount) => stringMember(mount, 'mountPath'));
  if (!mounts.includes(tokenPath))
    hints.push(`gets the pod's API token; mount an empty volume at ${tokenPath} if it needs none`);
  const tag = tagHint(stringMember(container, 'image') ?? '');
  return [...hints, ...(tag === undefined ? [] : [tag])].map((hint) => `container "${container.name}": ${hint}`);
}

/** Returns the volumes of the sidecar, those of its shares included. */
function allVolumes({ volumes, share = [] }: Fragment): Fragment['volumes'] {
  return [...volumes, ...(share.flatMap(({ volume }) => volume ?? []) as unknown as Fragment['volumes'])];
}

function volumeHints(fragment: Fragment): string[] {
  const own = fragment.volumes.map(({ name }) => name);
  const mounted = [
    ...fragment.containers.flatMap(({ container }) => objectsMember(container, 'volumeMounts')),
    ...(fragment.application ?? []).flatMap(
      ({ volumeMounts = [] }) => volumeMounts as unknown as readonly JsonObject[],
    ),
  ].map((mount) => stringMember(mount, 'name'));
  return [
    ...own.filter((name) => !mounted.includes(name)).map((name) => `volume "${name}": mounted nowhere`),
    ...allVolumes(fragment)
      .filter((volume) => {
        const folder = objectMember(volume, 'emptyDir');
        return folder !== undefined && member(folder, 'sizeLimit') === undefined;
      })
      .map(({ name }) => `volume "${name}": an emptyDir without sizeLimit may fill the node`),
  ];
}

/** Lints a template as it is injected where native sidecars are supported. */
export function lintTemplate({ native: fragment, spec }: PreparedTemplate, known: readonly string[]): Lint {
  const containers = (list: PlacedContainer['placement']['list']): JsonObject[] =>
    fragment.containers.filter(({ placement }) => placement.list === list).map(({ container }) => container);
  const pod = {
    initContainers: containers('initContainers'),
    containers: containers('containers'),
    volumes: allVolumes(fragment),
  };
  return {
    violations: podSecurityViolations(pod),
    resources: addedResources(fragment),
    hints: [
      ...fragment.containers.flatMap((placed) => containerHints(placed, spec.failure === 'podGoesOn')),
      ...volumeHints(fragment),
      ...(spec.conflicts ?? [])
        .filter((name) => !known.includes(name))
        .map((name) => `conflicts: "${name}" is not a sidecar here${didYouMean(name, known)}`),
      ...(spec.mode === undefined && fragment.containers.some(({ placement }) => placement.list === 'containers')
        ? ['mode: a classic container keeps a Job from completing; say `mode: native`, or `classic` if that is meant']
        : []),
    ],
  };
}
