import { messageOf } from '../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../kubernetes/client.ts';
import { listPages } from '../kubernetes/list.ts';
import { keyOf } from '../kubernetes/object-key.ts';
import type { ObjectChange } from '../kubernetes/watcher.ts';

interface Options {
  readonly client: Pick<ApiClient, 'get'>;
  /** Pods in one response. */
  readonly pageSize: number;
  /** After namespaces were looked at, so many times the time that it took passes before others are. */
  readonly restFactor: number;
  /** Takes pods as they are. */
  readonly onPods: (pods: readonly ObjectChange[]) => void;
  readonly onFailure: (detail: string) => void;
  /** Milliseconds that only count up. */
  readonly nowMs: () => number;
}

/** Lists of the pods of single namespaces, beside a watch of all pods that goes on meanwhile. */
export interface NamespaceLooks {
  /** Wants the pods of a namespace to be listed. */
  add(namespace: string): void;
  /** Takes note that the watch has told of a pod: what a list that is under way says of it may be older. */
  touch(key: string): void;
  /** Lists what is wanted, unless that is under way already or it is too early. */
  begin(): void;
  /** Whether nothing is wanted or under way. */
  isDone(): boolean;
  /** Wants nothing any more, and ends what is under way. */
  clear(): void;
}

interface Look {
  readonly namespace: string;
  readonly touched: Set<string>;
}

/**
 * Creates it. A list is at least as new as its call, so a pod that it has is as it was then or later, unless the watch tells
 * of it meanwhile; of what it does not have, the watch tells that it is gone.
 */
export function createNamespaceLooks(options: Options): NamespaceLooks {
  const { client, pageSize, restFactor, onPods, onFailure, nowMs } = options;
  const wanted = new Set<string>();
  let current: Look | undefined;
  let isBusy = false;
  let restUntilMs = 0;

  async function lookAt(namespace: string): Promise<void> {
    const look: Look = { namespace, touched: new Set() };
    current = look;
    // First, so that a change meanwhile makes it wanted once more.
    wanted.delete(namespace);
    try {
      const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods`;
      for await (const page of listPages(client, path, { limit: pageSize })) {
        if (current !== look) return;
        const pods = page.map((object) => ({ key: keyOf(object), object }));
        onPods(pods.filter(({ key }) => !look.touched.has(key)));
      }
    } catch (error) {
      if (current !== look) return;
      wanted.add(namespace);
      onFailure(messageOf(error));
    }
    if (current === look) current = undefined;
  }

  async function lookAtAll(): Promise<void> {
    const begunMs = nowMs();
    // Those that fail come again, but not now.
    const all = [...wanted];
    for (const namespace of all) if (wanted.has(namespace)) await lookAt(namespace);
    restUntilMs = nowMs() + restFactor * (nowMs() - begunMs);
  }

  return {
    add: (namespace) => void wanted.add(namespace),
    touch(key) {
      if (current !== undefined && key.startsWith(`${current.namespace}/`)) current.touched.add(key);
    },
    begin() {
      if (isBusy || wanted.size === 0 || nowMs() < restUntilMs) return;
      isBusy = true;
      void lookAtAll().finally(() => (isBusy = false));
    },
    isDone: () => wanted.size === 0 && current === undefined,
    clear() {
      wanted.clear();
      current = undefined;
    },
  };
}
