import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { runCommand } from '../builders/recorded-io.ts';
import { injected } from '../processes/test-cluster.ts';
import { until } from '../waiting.ts';
import { clusterKubeconfig, createClusterNamespace, type ClusterNamespace } from './cluster-namespace.ts';
import { kubectl } from './kubectl.ts';
import { openRecipe } from './recipe.ts';
import { system } from './system-namespace.ts';
import { idlePod, leavingTemplate, servingObjects } from './workbench.ts';

/** The modes with a control plane. */
export type PlaneMode = 'mesh' | 'istiod';

const examples = ['httpd/httpd.yaml', 'httpd/traffic/httpd-v2.yaml', 'shop/shop.yaml'];
const rules = ['httpd/traffic/circuit-breaker.yaml', 'httpd/traffic/routes.yaml'];
const nextVersion = path.join(root, 'examples/httpd/traffic/httpd-v2.yaml');
const limits = path.join(root, 'test/istiod/limits.yaml');
const mesh = path.join(root, 'deploy/mesh.yaml');
const little = { requests: { cpu: '10m', memory: '48Mi' } };

/** Settings of the injector for each mode. The node has two processors for all pods. */
const settings: Readonly<Record<PlaneMode, object>> = {
  mesh: { mode: 'mesh', proxy: { resources: little } },
  istiod: {
    mode: 'istiod',
    istiod: {
      values: {
        global: {
          hub: 'cluster.test/istio',
          tag: '1',
          proxy: { resources: little },
          proxy_init: { resources: little },
        },
      },
    },
  },
};

const call = (...args: readonly string[]): Promise<string> => kubectl(clusterKubeconfig(), args);

function programs(): string {
  const folder = process.env['ISTIOD_PROGRAMS'];
  if (folder === undefined || folder === '') throw new Error('no istiod: run these tests with `make test-istiod`');
  return folder;
}

async function configure(mode: PlaneMode): Promise<void> {
  const spec = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec: settings[mode] };
  const patch = JSON.stringify({ data: { 'settings.yaml': JSON.stringify(spec) } });
  await system.kubectl('patch', 'configmap', 'sidecar-injector-settings', '--type=merge', `--patch=${patch}`);
}

/** Workloads that go from the mesh to istiod with all that was applied for them. */
export interface Leavers {
  readonly namespace: ClusterNamespace;
  /** Puts the limits of test/istiod/limits.yaml in force, in the form that the control plane takes. */
  limit(): Promise<void>;
  /** Lets version v2 of httpd be an application that can fail. */
  useFlakyVersion(): Promise<void>;
  /** Lets it be that of the example again. */
  useNextVersion(): Promise<void>;
  /** Steps 1 to 3 of docs/istiod.md: plain text, a living istiod, and its sidecar for new pods. */
  installIstiod(): Promise<void>;
  /** Step 4: new pods. */
  rollOut(): Promise<void>;
  /** Step 5: the end of the control plane of the mesh, and mutual TLS again. */
  end(): Promise<void>;
  remove(): Promise<void>;
}

/** The next version of the example, with another application. */
const flakyVersion = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'httpd-v2' },
  spec: {
    selector: { matchLabels: { app: 'httpd', version: 'v2' } },
    template: {
      metadata: { labels: { app: 'httpd', version: 'v2' } },
      spec: {
        containers: [
          {
            name: 'httpd',
            image: 'cluster.test/workbench:1',
            args: ['serve.ts'],
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
};

/** Pods of no Deployment: clients with the proxy, one of them with a service account of its own, and one without. */
function clients(): readonly object[] {
  const front = idlePod('front');
  return [
    idlePod('client'),
    { ...front, spec: { ...(front['spec'] as object), serviceAccountName: 'front' } },
    idlePod('outside', { labels: { 'sidecar.istio.io/inject': 'false' } }),
  ];
}

const clientNames = ['client', 'front', 'outside'];

async function startClients(namespace: ClusterNamespace): Promise<void> {
  await until(
    'the injector knows the control plane',
    async () => {
      try {
        await namespace.apply(...clients());
        return true;
      } catch (error) {
        if (!String(error).includes('MeshNotReady')) throw error;
        return undefined;
      }
    },
    150_000,
  );
  for (const name of clientNames) await namespace.untilPod(name);
}

async function untilRolledOut(namespace: ClusterNamespace): Promise<void> {
  const { items } = await namespace.get<{ items: { metadata: { name: string } }[] }>('deployments');
  for (const { metadata } of items)
    await namespace.kubectl('rollout', 'status', `deployment/${metadata.name}`, '--timeout=120s');
}

/** Installs the control plane of the mesh and applies the examples, in a namespace of their own. */
export async function openLeavers(): Promise<Leavers> {
  await call('apply', '-f', path.join(root, 'deploy/mesh-crds.yaml'), '-f', mesh);
  await system.kubectl('rollout', 'status', 'deployment/sidecar-injector-mesh', '--timeout=90s');
  await configure('mesh');
  // The kubelet brings the injector settings and the root certificate within two minutes, and a new pod at once.
  await system.kubectl('rollout', 'restart', 'deployment/sidecar-injector');
  await system.untilSettled();
  const namespace = await createClusterNamespace(injected, 'shop');
  await namespace.kubectl('create', 'serviceaccount', 'front');
  await startClients(namespace);
  const files = [...examples, ...rules].map((name) => path.join(root, 'examples', name));
  await namespace.kubectl('apply', ...[...files, path.join(root, 'test/istiod/rules.yaml')].flatMap((f) => ['-f', f]));
  await namespace.apply(
    ...servingObjects('web', leavingTemplate('web')),
    ...servingObjects('mirror', leavingTemplate('mirror', { LOG_URLS: 'yes' })),
  );
  await untilRolledOut(namespace);
  let mode: PlaneMode = 'mesh';
  const recipe = await openRecipe(namespace.name, 'docs/istiod.md', 'From the mesh to istiod', {});
  const [plainText = '', kinds = '', injector = '', pods = '', end = '', ...more] = recipe.commands;
  if (end === '' || more.length > 0)
    throw new Error('the way to istiod in docs/istiod.md has more or less than five steps');
  await recipe.run(`mkdir deploy && cp ${mesh} deploy && cp ${programs()}/kinds.yaml istio-crds.yaml`);

  async function untilOnly(version: string): Promise<void> {
    await namespace.rollOut(`deployment/httpd-${version}`);
    await until(`one pod of version ${version}`, async () => {
      const { items } = await namespace.get<{ items: object[] }>('pods', `--selector=app=httpd,version=${version}`);
      return items.length === 1 || undefined;
    });
  }

  return {
    namespace,
    async limit() {
      if (mode === 'mesh') return void (await namespace.kubectl('apply', '-f', limits));
      const printed = await runCommand(['mesh', 'envoy-filter', '-f', limits, '--namespace', namespace.name]);
      if (printed.code !== 0) throw new Error(printed.stderr);
      await namespace.apply(printed.stdout);
    },
    async useFlakyVersion() {
      await namespace.apply(flakyVersion);
      await untilOnly('v2');
    },
    async useNextVersion() {
      await namespace.kubectl('apply', '-f', nextVersion);
      await untilOnly('v2');
    },
    async installIstiod() {
      await recipe.run(plainText);
      await recipe.run(kinds);
      await call('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
      await call('apply', '-f', path.join(root, 'test/istiod/istiod.yaml'));
      await call('-n', 'istio-system', 'rollout', 'status', 'deployment/istiod', '--timeout=120s');
      await configure('istiod');
      await recipe.run(injector);
      mode = 'istiod';
    },
    async rollOut() {
      await recipe.run(pods);
      await namespace.kubectl('delete', 'pods', ...clientNames);
      await startClients(namespace);
      await untilRolledOut(namespace);
    },
    async end() {
      await recipe.run(end);
    },
    async remove() {
      await recipe.close();
      await namespace.remove();
      await call('delete', '-f', path.join(root, 'test/istiod/istiod.yaml'), '--ignore-not-found', '--wait=false');
    },
  };
}
