import type { MeshPod, MeshPodOptions, MeshScene } from './mesh-scene.ts';
import { eventually } from '../waiting.ts';
import { startPrometheus, type Prometheus, type Series } from '../processes/prometheus.ts';

/** A pod `<app>-<version>` with its labels, its service account, and what its injector would have told its proxy. */
export function labelled(
  app: string,
  version: string,
  more: Partial<MeshPodOptions> = {},
): MeshPodOptions & { readonly name: string } {
  return {
    name: `${app}-${version}`,
    labels: { app, version },
    serviceAccount: app,
    settings: { service: { name: app, revision: version, app, version } },
    ...more,
  };
}

type Labels = Readonly<Record<string, string>>;
type Side = 'source' | 'destination';

/** Istio's labels of one side: such a pod, by its name, known by mutual TLS or not. */
export function labelsOf(side: Side, pod: string, isSecured: boolean): Labels {
  const [app = '', version = ''] = pod.split('-');
  return {
    [`${side}_workload`]: pod,
    [`${side}_workload_namespace`]: 'shop',
    [`${side}_principal`]: isSecured ? `spiffe://cluster.local/ns/shop/sa/${app}` : 'unknown',
    [`${side}_app`]: app,
    [`${side}_version`]: version,
    [`${side}_canonical_service`]: app,
    [`${side}_canonical_revision`]: version,
    [`${side}_cluster`]: 'Kubernetes',
  };
}

/** Istio's labels of a side that nobody knows. */
export function nobody(side: Side): Labels {
  return {
    [`${side}_workload`]: 'unknown',
    [`${side}_workload_namespace`]: 'unknown',
    [`${side}_principal`]: 'unknown',
    [`${side}_app`]: 'unknown',
    [`${side}_version`]: 'unknown',
    [`${side}_canonical_service`]: 'unknown',
    [`${side}_canonical_revision`]: 'latest',
    [`${side}_cluster`]: 'unknown',
  };
}

/** Istio's labels of the Service that is called. */
export function service(name: string): Labels {
  return {
    destination_service: `${name}.shop.svc.cluster.local`,
    destination_service_name: name,
    destination_service_namespace: 'shop',
  };
}

/** A series without what Prometheus adds: the target. It leaves out labels that are empty. */
export interface Counted {
  readonly labels: Labels;
  readonly value: number;
}

function counted({ metric, value }: Series): Counted {
  const { __name__: _, instance: __, job: ___, ...labels } = metric;
  return { labels, value };
}

/** A Prometheus that scrapes the proxies of a scene. */
export interface Observer extends Prometheus {
  /** Waits until the values of what the expression selects have this sum, and returns them. */
  sum(expression: string, total: number): Promise<readonly Counted[]>;
}

/** Starts to observe those pods. Whoever does it stops it. */
export async function observe({ network, outside }: MeshScene, pods: readonly MeshPod[]): Promise<Observer> {
  const proxies = pods.map((pod) => `${pod.network.v4}:15020`);
  const prometheus = await startPrometheus(network.hub, outside, ...proxies);
  return {
    ...prometheus,
    async sum(expression, total) {
      const isThere = (all: readonly Series[]): boolean => all.reduce((sum, { value }) => sum + value, 0) === total;
      return (await eventually(() => prometheus.query(expression), isThere)).map(counted);
    },
  };
}
