import type { JsonObject } from '../../../src/json/json.ts';
import type { InjectedPod, TestContainer } from '../builders/decisions.ts';
import { expandLikeKubelet } from '../models/kubelet-expansion.ts';
import { inNamespace } from './pod-namespace.ts';

/** What the kubelet and the container runtime make of a container: command line, environment, user, capabilities. */
export interface ContainerLaunch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  readonly capabilities: readonly string[];
  readonly isRootReadOnly: boolean;
}

/** What a pod's fields are once it runs; the engine saw it before that. */
export interface PodFields {
  readonly 'metadata.name': string;
  readonly 'metadata.namespace': string;
  readonly 'status.podIP': string;
  readonly [field: string]: string;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

function environmentOf(container: TestContainer, fields: PodFields): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of (container['env'] ?? []) as readonly Variable[]) {
    const path = valueFrom?.fieldRef?.fieldPath;
    const found = path === undefined ? expandLikeKubelet(value ?? '', env) : fields[path];
    if (found === undefined) throw new Error(`${name} of ${container.name}: no such field here: ${path}`);
    env[name] = found;
  }
  return env;
}

/**
 * How a container of an injected pod is started. `entrypoint` is the image's, for a container without a command.
 */
export function launchOf(
  container: TestContainer,
  fields: PodFields,
  entrypoint: readonly string[] = [],
): ContainerLaunch {
  const env = environmentOf(container, fields);
  const words = (name: string): string[] | undefined =>
    (container[name] as readonly string[] | undefined)?.map((word) => expandLikeKubelet(word, env));
  const security = container['securityContext'] as JsonObject;
  const capabilities = security['capabilities'] as { readonly add?: readonly string[]; readonly drop: string[] };
  if (capabilities.drop[0] !== 'ALL') throw new Error(`${container.name} keeps capabilities that are not told here`);
  return {
    command: [...(words('command') ?? entrypoint), ...(words('args') ?? [])],
    env,
    uid: Number(security['runAsUser']),
    gid: Number(security['runAsGroup']),
    capabilities: capabilities.add ?? [],
    isRootReadOnly: security['readOnlyRootFilesystem'] === true,
  };
}

/** Command line that runs a command as the container's user with its capabilities, in a network namespace. */
export function confined(namespace: string, launch: ContainerLaunch, command = launch.command): [string, ...string[]] {
  const sets = ['-all', ...launch.capabilities.map((name) => `+${name.toLowerCase()}`)].join(',');
  const user = [`--reuid=${launch.uid}`, `--regid=${launch.gid}`, '--clear-groups'];
  // `ip netns exec` has given the command a mount namespace of its own.
  const readOnly = ['sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh'];
  return [
    ...inNamespace(namespace),
    ...(launch.isRootReadOnly ? readOnly : []),
    'setpriv',
    ...user,
    `--bounding-set=${sets}`,
    `--inh-caps=${sets}`,
    '--no-new-privs',
    '--',
    ...command,
  ];
}

/** Annotations and labels do not matter to the containers; the rest of what they may ask for is here. */
export function fieldsOf(pod: InjectedPod, podIp: string): PodFields {
  const { name = 'web-1', namespace = 'shop' } = pod.metadata as {
    readonly name?: string;
    readonly namespace?: string;
  };
  return { 'metadata.name': name, 'metadata.namespace': namespace, 'status.podIP': podIp };
}
