import type { JsonObject } from '../../../../json/json.ts';
import { pathSegment, type ApiClient } from '../../../../kubernetes/client.ts';
import { readSeries, type Series } from './series.ts';

/** A pod, by its name. */
export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Asks pods through the API server. */
export interface PodPages {
  /** Returns the series of a page of metrics that are wanted. Rejects with an `ApiError`. */
  series(pod: Named, port: number, page: string, isWanted: (name: string) => boolean): Promise<readonly Series[]>;
  /** Returns a page that is JSON. Rejects with an `ApiError`. */
  json(pod: Named, port: number, page: string): Promise<JsonObject>;
}

/** How long a pod may send nothing, because the page of a proxy waits for the application's for up to nine seconds; and how much it may say of what is asked. */
const limits = { inactivityMs: 15_000, series: 5_000, lines: 500_000 } as const;

/** Pods that are asked at the same time. */
const mostAtOnce = 16;

/** Runs these with so many at the same time, and returns what they return, in their order. */
export async function allOf<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: mostAtOnce }, worker));
  return results;
}

/** Returns pages by the API server's proxy of pods. Of a page of metrics, only what is wanted is kept. */
export function podPages(client: Pick<ApiClient, 'get' | 'stream'>): PodPages {
  const pathOf = ({ namespace, name }: Named, port: number, page: string): string =>
    `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods/${pathSegment('pod', name)}:${port}/proxy${page}`;
  return {
    async series(pod, port, page, isWanted) {
      const found: Series[] = [];
      const tooMuch = new AbortController();
      let lines = 0;
      const take = (line: string): void => {
        lines += 1;
        if (found.length >= limits.series || lines > limits.lines) return tooMuch.abort();
        const series = readSeries(line);
        if (series !== undefined && isWanted(series.name)) found.push(series);
      };
      const { signal } = tooMuch;
      await client.stream(pathOf(pod, port, page), take, { signal, inactivityMs: limits.inactivityMs });
      if (signal.aborted) throw new Error(`${pod.namespace}/${pod.name} says more than a page of metrics`);
      return found;
    },
    json: async (pod, port, page) => (await client.get(pathOf(pod, port, page))).body,
  };
}
