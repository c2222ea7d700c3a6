import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { fieldsOf, launchOf } from '../network/container-launch.ts';
import { containerOf, type InjectedPod } from '../builders/decisions.ts';
import {
  addresses,
  createPodNamespace,
  inNamespace,
  type Finished,
  type PodNamespace,
} from '../network/pod-namespace.ts';
import { until } from '../waiting.ts';

/** A container that runs. */
export interface RunningContainer {
  /** Everything that it has written to both of its outputs. */
  readonly output: string;
  /** Sends the signal and waits for its end. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** What stands in the place of a container's image. */
export interface Image {
  /** The image's entry point, for a container without a command of its own. */
  readonly entrypoint?: readonly string[];
  /** What a program of the command is called on this machine. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Containers of an injected pod, run as the kubelet would run them: the pod's network, each with its user, without
 * capabilities, a read-only root that has this machine's programs, and the pod's volumes at their paths.
 */
export interface Sandbox {
  readonly namespace: PodNamespace;
  start(container: string, image?: Image): RunningContainer;
  /** Runs a command in the place of the container's own and waits for it. */
  run(container: string, command: readonly string[]): Finished;
  /** Puts a file into a volume from outside, as the kubelet does with a Secret. */
  writeFile(volume: string, name: string, text: string): void;
  curl(...words: readonly string[]): Finished;
  remove(): Promise<void>;
}

/** Makes a root folder of this machine's programs and the container's volumes, and changes into it. */
const enter = `set -e
root=$1; shift
mount -t tmpfs -o mode=755 root "$root"
for name in usr proc dev sys; do mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; done
for name in bin sbin lib lib64; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"; else mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
mkdir "$root/etc" "$root/opt" "$root/opt/programs"
cp /etc/passwd /etc/group /etc/ld.so.cache "$root/etc/"
touch "$root/opt/node"
mount --bind "$1" "$root/opt/node"; shift
mount --bind "$1" "$root/opt/programs"; shift
while [ "$1" != -- ]; do
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
  shift 3
done
shift
mount -o remount,ro "$root"
exec chroot "$root" "$@"`;

const programs = path.resolve(import.meta.dirname, 'stand-ins');

/** Node and a program of ours, where the sandbox has them. */
export function standIn(name: string): readonly string[] {
  return ['/opt/node', '--disable-warning=ExperimentalWarning', `/opt/programs/${name}`];
}

/** Makes the pod's network and volumes. `files`: what Secrets and ConfigMaps hold, by volume. */
export function createSandbox(
  label: string,
  pod: InjectedPod,
  files: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Sandbox {
  const namespace = createPodNamespace(label);
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-sandbox-'));
  chmodSync(folder, 0o755);
  const root = path.join(folder, 'root');
  mkdirSync(root);
  const started: RunningContainer[] = [];
  const fields = { ...fieldsOf(pod, addresses.pod.v4), 'spec.nodeName': 'node-1' };

  const volumeFolder = (name: string): string => path.join(folder, 'volumes', name);
  const writeFile = (volume: string, name: string, text: string): void => {
    writeFileSync(path.join(volumeFolder(volume), name), text, { mode: 0o644 });
  };
  for (const volume of pod.spec.volumes as unknown as readonly JsonObject[]) {
    const name = stringMember(volume, 'name') ?? '';
    mkdirSync(volumeFolder(name), { recursive: true });
    // An emptyDir is writable for everybody.
    if (objectMember(volume, 'emptyDir') !== undefined) chmodSync(volumeFolder(name), 0o777);
    for (const item of objectsMember(objectMember(volume, 'downwardAPI'), 'items')) {
      const field = stringMember(objectMember(item, 'fieldRef'), 'fieldPath') ?? '';
      const annotation = /^metadata\.annotations\['(.+)'\]$/.exec(field)?.[1] ?? '';
      writeFile(name, stringMember(item, 'path') ?? '', pod.metadata.annotations[annotation] ?? '');
    }
    for (const [file, text] of Object.entries(files[name] ?? {})) writeFile(name, file, text);
  }

  const commandLine = (name: string, image: Image, command?: readonly string[]) => {
    const container = containerOf(pod, name);
    const launch = launchOf(container, fields, image.entrypoint);
    const mounts = objectsMember(container as unknown as JsonObject, 'volumeMounts').flatMap((mount) => {
      const source = path.join(volumeFolder(stringMember(mount, 'name') ?? ''), stringMember(mount, 'subPath') ?? '');
      if (!existsSync(source)) {
        mkdirSync(source, { recursive: true });
        chmodSync(source, 0o777);
      }
      return [source, stringMember(mount, 'mountPath') ?? '', member(mount, 'readOnly') === true ? 'ro' : 'rw'];
    });
    const [program = '', ...words] = command ?? launch.command;
    const user = [`--reuid=${launch.uid}`, `--regid=${launch.gid}`, '--clear-groups', '--bounding-set=-all'];
    const line = [
      ...inNamespace(namespace.name.pod),
      'sh',
      '-c',
      enter,
      'sh',
      root,
      process.execPath,
      programs,
      ...mounts,
      '--',
      'setpriv',
      ...user,
      '--inh-caps=-all',
      '--no-new-privs',
      '--',
      ...(image.programs?.[program] ?? [program]),
      ...words,
    ];
    const [first = '', ...rest] = line;
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...launch.env };
    return { first, rest, env };
  };

  const sandbox: Sandbox = {
    namespace,
    writeFile,
    start(name, image = {}) {
      const { first, rest, env } = commandLine(name, image);
      // A group of its own stands for the container's process namespace: its end is the end of all in it.
      const child = spawn(first, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      }
      const endGroup = (): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // Nothing of it is left.
        }
      };
      process.once('exit', endGroup);
      const ended = new Promise<number | null>((resolve) => {
        child.once('close', (code) => {
          process.off('exit', endGroup);
          resolve(code);
        });
        child.once('exit', endGroup);
      });
      const running: RunningContainer = {
        get output() {
          return output;
        },
        stop(signal = 'SIGTERM') {
          if (child.exitCode === null) child.kill(signal);
          return ended;
        },
      };
      started.push(running);
      return running;
    },
    run(name, command) {
      const { first, rest, env } = commandLine(name, {}, command);
      return spawnSync(first, rest, { encoding: 'utf8', env });
    },
    curl: (...words) => namespace.run('cluster', ['curl', '--silent', '--show-error', '--max-time', '5', ...words]),
    async remove() {
      for (const running of started) await running.stop('SIGKILL');
      namespace.remove();
      rmSync(folder, { recursive: true });
    },
  };
  return sandbox;
}

/** Waits until the request succeeds and gives its answer. */
export function answerOf(sandbox: Sandbox, running: RunningContainer, ...words: readonly string[]): Promise<string> {
  return until(
    () => `an answer to ${words.join(' ')}; the container says:\n${running.output}`,
    () => {
      const { status, stdout } = sandbox.curl('--fail', ...words);
      return status === 0 ? stdout : undefined;
    },
  );
}
