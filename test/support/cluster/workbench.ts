import type { JsonObject } from '../../../src/json/json.ts';

const image = 'cluster.test/workbench:1';

/** A pod's template that serves HTTP on port 8080; `env` tells `test/cluster/workbench/serve.ts` more. */
export function servingTemplate(app: string, env: Readonly<Record<string, string>> = {}): JsonObject {
  return {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          name: 'app',
          image,
          args: ['serve.ts'],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
        },
      ],
    },
  };
}

/** The same, whose application waits until nobody sends it anything new, and closes its connections before it ends. */
export function leavingTemplate(app: string, env: Readonly<Record<string, string>> = {}): JsonObject {
  const template = servingTemplate(app, { LINGER_MS: '2000', ...env });
  const spec = template['spec'] as JsonObject;
  const [container = {}] = spec['containers'] as JsonObject[];
  const lifecycle = { preStop: { sleep: { seconds: 5 } } };
  return { ...template, spec: { ...spec, containers: [{ ...container, lifecycle }] } };
}

/** A Deployment of such a template, with a Service of the same name at port 80. */
export function servingObjects(app: string, template: JsonObject, replicas = 1): readonly JsonObject[] {
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app },
      spec: { replicas, selector: { matchLabels: { app } }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app },
      spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
  ];
}

/** A pod that waits for commands, with curl and Node.js in it. */
export function idlePod(name: string, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [{ name: 'app', image, command: ['/bin/sh', '-c', 'exec sleep 3600'] }],
    },
  };
}
