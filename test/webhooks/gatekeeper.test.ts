import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { runCommand } from '../support/builders/recorded-io.ts';
import { startInstalledCluster, type InstalledCluster } from '../support/cluster/installed-cluster.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { runCheck } from '../support/processes/check-command.ts';
import {
  containerNames,
  injected,
  makePod,
  openTestCluster,
  type TestCluster,
} from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';
import { registerForPods, startForeignWebhook, type ForeignWebhook } from '../support/webhooks/foreign-webhook.ts';
import { changesToOurs, containerOf } from '../support/webhooks/our-parts.ts';
import { createBoth } from '../support/webhooks/probed-pod.ts';

jest.setTimeout(180_000);

let installed: InstalledCluster;
let cluster: TestCluster;
let gatekeeper: ForeignWebhook;
let unregister: (() => Promise<void>) | undefined;

/** What the mutators do; each concerns the namespaces with its label. */
const mirrored = { mirrored: 'true' };
const told = { told: 'true' };

function mutator(kind: string, name: string, label: string, location: string, parameters: object): object {
  return {
    apiVersion: 'mutations.gatekeeper.sh/v1alpha1',
    kind,
    metadata: { name },
    spec: {
      applyTo: [{ groups: [''], versions: ['v1'], kinds: ['Pod'] }],
      match: { scope: 'Namespaced', namespaceSelector: { matchLabels: { [label]: 'true' } } },
      location,
      parameters,
    },
  };
}

const lists = ['containers', 'initContainers'] as const;
const mutators = [
  ...lists.map((list) =>
    mutator('AssignImage', `mirror-${list.toLowerCase()}`, 'mirrored', `spec.${list}[name:*].image`, {
      assignDomain: 'mirror.example',
    }),
  ),
  ...lists.map((list) =>
    mutator('Assign', `pull-${list.toLowerCase()}`, 'mirrored', `spec.${list}[name:*].imagePullPolicy`, {
      assign: { value: 'Always' },
    }),
  ),
  mutator('Assign', 'tell-classic-proxy', 'astray', 'spec.containers[name:istio-proxy].env[name:REGION].value', {
    assign: { value: 'north' },
  }),
  mutator('Assign', 'tell-proxy', 'told', 'spec.initContainers[name:istio-proxy].env[name:REGION].value', {
    assign: { value: 'north' },
  }),
];

beforeAll(async () => {
  installed = await startInstalledCluster();
  cluster = openTestCluster(installed);
  const [port, healthPort, metricsPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  await cluster.api.create('/api/v1/namespaces', { metadata: { name: 'gatekeeper-system' } });
  gatekeeper = await startForeignWebhook(cluster, {
    name: 'gatekeeper',
    binary: process.env['GATEKEEPER_BIN'],
    definitions: process.env['GATEKEEPER_CRDS'],
    port,
    env: { POD_NAME: 'gatekeeper', POD_NAMESPACE: 'gatekeeper-system' },
    args: (folder) => [
      '--debug-use-fake-pod',
      '--disable-cert-rotation',
      `--cert-dir=${folder}`,
      '--host=127.0.0.1',
      `--port=${port}`,
      `--health-addr=127.0.0.1:${healthPort}`,
      `--prometheus-port=${metricsPort}`,
      '--shutdown-delay=0',
    ],
  });
  await kubectl(cluster.kubeconfig, ['apply', '-f', '-'], mutators.map((one) => JSON.stringify(one)).join('\n---\n'));
});
afterEach(async () => {
  await unregister?.();
  unregister = undefined;
});
afterAll(async () => {
  cluster.api.close();
  await gatekeeper.program.stop('SIGKILL');
  await installed.stop();
});

/** Registers it and waits until it changes pods. */
async function register(name: string, reinvocationPolicy: 'Never' | 'IfNeeded'): Promise<void> {
  unregister = await registerForPods(cluster, {
    name,
    entry: 'mutation.gatekeeper.sh',
    clientConfig: gatekeeper.clientConfig('/v1/mutate'),
    reinvocationPolicy,
  });
  const namespace = await cluster.createNamespace(mirrored);
  await until(
    'Gatekeeper changes pods',
    async () => {
      if (!gatekeeper.program.isRunning()) throw new Error((await gatekeeper.program.readLog()).slice(-4_000));
      const { body } = await cluster.createPod(namespace, makePod('probe'), 'dryRun=All');
      const app = body.spec?.containers[0];
      return (app?.image?.startsWith('mirror.example') && app['imagePullPolicy'] === 'Always') || undefined;
    },
    60_000,
  );
}

const orders = [
  ['before us', 'gatekeeper-mutating-webhook-configuration', 'Never'],
  ['before us', 'gatekeeper-mutating-webhook-configuration', 'IfNeeded'],
  ['after us', 'z-gatekeeper-mutating-webhook-configuration', 'Never'],
  ['after us', 'z-gatekeeper-mutating-webhook-configuration', 'IfNeeded'],
] as const;

describe.each(orders)('Gatekeeper %s (%s, reinvocation %s)', (when, name, policy) => {
  const isSeen = when === 'after us' || policy === 'IfNeeded';

  test('images and pull policies: the application has them, and our containers where Gatekeeper sees them', async () => {
    await register(name, policy);
    const { pod, plain, namespace, warnings } = await createBoth(cluster, mirrored);
    expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
    const app = containerOf(pod, 'app');
    expect(app).toMatchObject({ image: 'mirror.example/app:1', imagePullPolicy: 'Always' });
    expect(app['readinessProbe']).toMatchObject({ httpGet: { port: 15020 } });
    const places = [
      '/istio-init/image',
      '/istio-init/imagePullPolicy',
      '/istio-proxy/image',
      '/istio-proxy/imagePullPolicy',
    ];
    expect(changesToOurs(pod, plain)).toEqual(isSeen ? places : []);
    const told = ['istio-init', 'istio-proxy'].map((one) =>
      expect.stringMatching(`^sidecar-injector: container "${one}" runs "mirror.example/.* \\(ForeignImage\\)$`),
    );
    expect(warnings).toEqual(isSeen ? told : []);

    const { results } = await runCheck(cluster.kubeconfig);
    expect(results.get('outdated-pods')?.found.filter((line) => line.includes(namespace))).toEqual([]);
    const { stdout, code } = await runCommand(['uninject', '-f', '-'], JSON.stringify(pod));
    expect(code).toBe(0);
    expect(containerNames(JSON.parse(stdout))).toEqual(['app']);
    expect(stdout).not.toContain('istio');
  });

  test('a variable for our proxy, by its name, arrives once', async () => {
    await register(name, policy);
    const { pod, plain } = await createBoth(cluster, told);
    expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
    expect(containerOf(pod, 'istio-proxy')['env']).toContainEqual({ name: 'REGION', value: 'north' });
    expect(changesToOurs(pod, plain)).toEqual(['/istio-proxy/env/REGION/name', '/istio-proxy/env/REGION/value']);
  });
});

describe('a variable for a classic proxy, where ours is native', () => {
  const astray = { astray: 'true' };

  test('before us, it is the pod’s own copy, and arrives once', async () => {
    await register('gatekeeper-mutating-webhook-configuration', 'Never');
    const { pod, plain } = await createBoth(cluster, astray);
    expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
    expect(changesToOurs(pod, plain)).toEqual(['/istio-proxy/env/REGION/name', '/istio-proxy/env/REGION/value']);
  });

  test('after us, it makes a second container of the name, which is refused', async () => {
    await register('z-gatekeeper-mutating-webhook-configuration', 'Never');
    await expect(createBoth(cluster, astray)).rejects.toThrow(/istio-proxy/);
  });
});

describe('constraints', () => {
  const constraint = `
package injected
violation[{"msg": msg}] {
  c := array.concat(object.get(input.review.object.spec, "initContainers", []), input.review.object.spec.containers)[_]
  c.securityContext.capabilities.add[_] == "NET_ADMIN"
  msg := sprintf("container %v adds NET_ADMIN", [c.name])
}
violation[{"msg": msg}] {
  c := array.concat(object.get(input.review.object.spec, "initContainers", []), input.review.object.spec.containers)[_]
  not c.resources.limits.memory
  msg := sprintf("container %v has no memory limit", [c.name])
}`;

  test('what refuses our containers says which, and interception mode NONE satisfies it', async () => {
    const validating = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    await kubectl(
      cluster.kubeconfig,
      ['apply', '-f', '-'],
      JSON.stringify({
        apiVersion: 'templates.gatekeeper.sh/v1',
        kind: 'ConstraintTemplate',
        metadata: { name: 'injected' },
        spec: {
          crd: { spec: { names: { kind: 'Injected' } } },
          targets: [{ target: 'admission.k8s.gatekeeper.sh', rego: constraint }],
        },
      }),
    );
    let said: string | undefined;
    await until(
      () => `the kind of the constraint is there: ${said}`,
      async () => {
        const { status, body } = await cluster.api.create('/apis/constraints.gatekeeper.sh/v1beta1/injected', {
          apiVersion: 'constraints.gatekeeper.sh/v1beta1',
          kind: 'Injected',
          metadata: { name: 'injected' },
          spec: { match: { kinds: [{ apiGroups: [''], kinds: ['Pod'] }] } },
        });
        said = body.message;
        return status === 201 || undefined;
      },
    );
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
    await cluster.api.create(validating, {
      metadata: { name: 'gatekeeper-validating-webhook-configuration' },
      webhooks: [
        {
          name: 'validation.gatekeeper.sh',
          clientConfig: gatekeeper.clientConfig('/v1/admit'),
          rules,
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
        },
      ],
    });
    try {
      const namespace = await cluster.createNamespace(injected);
      const app = { name: 'app', image: 'a:1', resources: { limits: { memory: '1Gi' } } };
      const create = (annotations: Record<string, string>) =>
        cluster.createPod(
          namespace,
          makePod('web', { metadata: { annotations }, spec: { containers: [app] } }),
          'dryRun=All',
        );
      const refused = await until('the constraint is in force', async () => {
        const answer = await create({});
        return answer.status === 201 ? undefined : answer;
      });
      expect(refused.status).toBe(403);
      expect(refused.body.message).toBe(
        'admission webhook "validation.gatekeeper.sh" denied the request: [injected] container istio-init adds NET_ADMIN',
      );
      const { status, body } = await create({ 'sidecar.istio.io/interceptionMode': 'NONE' });
      expect([status, body.message]).toEqual([201, undefined]);
      expect(containerNames(body)).toEqual(['istio-proxy', 'app']);
    } finally {
      await cluster.api.delete(`${validating}/gatekeeper-validating-webhook-configuration`);
    }
  });
});
