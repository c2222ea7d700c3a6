import type { JsonObject } from '../../../src/json/json.ts';
import { selectionOf } from './shipped-sidecars.ts';

const command = `mkdir -p /var/log/app /var/lib/metrics
echo 'the first line' > /var/log/app/app.log
echo 'orders_total 42' > /var/lib/metrics/app.prom
exec node --disable-warning=ExperimentalWarning serve.ts`;

/** A pod whose application gives every shipped sidecar something to do; it needs the ConfigMap `web`. */
export function busyPod(name: string, sidecars: readonly string[]): JsonObject {
  const config = { name: 'config', configMap: { name: 'web' } };
  const container = {
    name: 'app',
    image: 'cluster.test/workbench:1',
    command: ['/bin/sh', '-c', command],
    volumeMounts: [{ name: 'config', mountPath: '/etc/config' }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' }, annotations: selectionOf(['sidecar', ...sidecars]) },
    spec: { terminationGracePeriodSeconds: 2, containers: [container], volumes: [config] },
  };
}

/** What it reads its configuration from. */
export const busyConfig: JsonObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'web' },
  data: { 'web.conf': 'a = 1\n' },
};
