import { statusAnnotation } from '../../../src/pod/conventions.ts';
import type { Container, Pod } from '../http/api-client.ts';

type Lists = Pick<Pod['spec'], 'containers' | 'initContainers' | 'volumes'>;
const lists = ['initContainers', 'containers', 'volumes'] as const;

interface Status {
  readonly initContainers: readonly string[] | null;
  readonly containers: readonly string[] | null;
  readonly volumes: readonly string[] | null;
}

/** What the status annotation of a pod says that was injected. */
function statusOf(pod: Pod): Status {
  const text = pod.metadata.annotations?.[statusAnnotation];
  if (text === undefined) throw new Error(`${pod.metadata.name} is not injected`);
  return JSON.parse(text) as Status;
}

/** Every single value under `value`, by its place. Named items of lists are found by their names. */
function leaves(value: unknown, place: string, found: Map<string, string>): Map<string, string> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) leaves(item, `${place}/${nameOf(item) ?? index}`, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) leaves(inner, `${place}/${key}`, found);
  } else {
    found.set(place, JSON.stringify(value));
  }
  return found;
}

function nameOf(item: unknown): string | undefined {
  const { name, mountPath } = item as { name?: string; mountPath?: string };
  return mountPath ?? name;
}

function ourLeaves(pod: Pod): Map<string, string> {
  const status = statusOf(pod);
  const found = new Map<string, string>();
  for (const list of lists) {
    const ours = new Set(status[list] ?? []);
    const parts = ((pod.spec as Lists)[list] ?? []).filter(({ name }) => ours.has(name));
    leaves(parts, '', found);
    found.set(`(${list})`, parts.map(({ name }) => name).join(' '));
  }
  for (const [name, value] of Object.entries(pod.metadata.labels ?? {})) {
    if (name.startsWith('sidecar-injector.io/')) found.set(`(label) ${name}`, value);
  }
  return found;
}

/**
 * Returns in what the injected parts of a pod differ from those of the same pod where no other webhook is: containers,
 * volumes, their order and number, and our labels. Empty if they arrived whole.
 */
export function changesToOurs(pod: Pod, plain: Pod): string[] {
  const [now, before] = [ourLeaves(pod), ourLeaves(plain)];
  const places = new Set([...now.keys(), ...before.keys()]);
  return [...places].filter((place) => now.get(place) !== before.get(place)).toSorted();
}

/** A container of the pod, wherever it is. */
export function containerOf({ spec }: Pod, name: string): Container {
  const found = [...(spec.initContainers ?? []), ...spec.containers].find((container) => container.name === name);
  if (found === undefined) throw new Error(`there is no container ${name}`);
  return found;
}
