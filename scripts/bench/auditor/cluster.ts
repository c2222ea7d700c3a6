import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Injector } from '../../../src/injection/injector.ts';
import { webhookConfiguration } from '../../../src/injection/policy/registration.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { writeServiceAccountKubeconfig } from '../../../test/support/cluster/installation.ts';
import { kubectl } from '../../../test/support/cluster/kubectl.ts';
import { openApiClient } from '../../../test/support/http/api-client.ts';
import { startControlPlane } from '../../../test/support/processes/control-plane.ts';
import { root } from '../../checkout.ts';
import { forEach } from '../for-each.ts';
import type { AuditorEffort, Requests } from './figures.ts';
import { deploymentOf, injectedLabels, namespaceName, ownersOf, podOf } from './objects.ts';

const systemNamespace = 'sidecar-injector-system';
const account = 'sidecar-injector-auditor';

/** A cluster full of pods, for an auditor. */
export interface PodCluster {
  /** Kubeconfig of the shipped ServiceAccount. */
  readonly kubeconfig: string;
  readonly podCount: number;
  /** Bytes of the JSON of all pods as the API server answers them. */
  readonly listBytes: number;
  /** Gives a namespace the label for injection, or takes it away. */
  label(namespace: string, labels: typeof injectedLabels | null): Promise<void>;
  /** What the auditor has asked for so far. */
  requests(): Promise<Requests>;
  stop(): Promise<void>;
}

/** A line of the API server's audit log; only what is read here. */
interface AuditLine {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string };
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A watch counts when it begins, another request when it was answered.
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: [`system:serviceaccount:${systemNamespace}:${account}`] }, { level: 'None' }],
};

async function readRequests(file: string): Promise<Requests> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of (await readFile(file, 'utf8')).split('\n').slice(0, -1)) {
    const { verb, objectRef, auditID }: AuditLine & { readonly auditID: string } = JSON.parse(line);
    if (seen.has(auditID)) continue;
    seen.add(auditID);
    const { resource = 'others', subresource, namespace } = objectRef ?? {};
    const scope = resource === 'pods' && namespace !== undefined ? ' of a namespace' : '';
    const what = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${scope}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

/** Starts etcd and an API server without controllers, and fills them. */
export async function openPodCluster(effort: AuditorEffort, folder: string, injector: Injector): Promise<PodCluster> {
  const policyFile = path.join(folder, 'audit-policy.json');
  await writeFile(policyFile, JSON.stringify(auditPolicy));
  const access = await startControlPlane({
    controllers: false,
    apiServerArguments: ['--disable-admission-plugins=ServiceAccount', `--audit-policy-file=${policyFile}`],
  });
  const api = openApiClient(access);
  let podCount = 0;

  async function create(at: string, object: object): Promise<void> {
    const { status, body } = await api.create(at, object);
    if (status !== 201) throw new Error(`${at}: ${status} ${body.message}`);
  }

  async function stop(): Promise<void> {
    api.close();
    await access.stop();
  }

  async function measureList(): Promise<number> {
    let bytes = 0;
    let next = '';
    do {
      const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
      const { body } = await api.get<{ metadata: { continue?: string } }>(`/api/v1/pods?limit=100${from}`);
      bytes += JSON.stringify(body).length;
      next = body.metadata.continue ?? '';
    } while (next !== '');
    return bytes;
  }

  try {
    await create('/api/v1/namespaces', { metadata: { name: systemNamespace } });
    const component = (file: string): readonly string[] => ['-f', path.join(root, 'deploy/components/auditor', file)];
    await kubectl(access.kubeconfig, ['apply', ...component('rbac.yaml'), ...component('lease.yaml')]);
    for (let index = 0; index < effort.labelled + effort.unlabelled; index++) {
      const labels = index < effort.labelled ? injectedLabels : {};
      await create('/api/v1/namespaces', { metadata: { name: namespaceName(index), labels } });
    }
    await forEach(ownersOf(effort), async (owner) => {
      await create(`/apis/apps/v1/namespaces/${owner.namespace}/deployments`, deploymentOf(owner));
      for (let index = 0; index < effort.pods; index++) {
        const pod: JsonObject = podOf(owner, index, injector);
        await create(`/api/v1/namespaces/${owner.namespace}/pods`, pod);
        podCount += 1;
      }
    });
    // Only now, because nothing answers reviews here.
    await create('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', webhookConfiguration());
    const kubeconfig = await writeServiceAccountKubeconfig(access, account);
    return {
      kubeconfig,
      podCount,
      listBytes: await measureList(),
      async label(namespace, labels) {
        const patch = { metadata: { labels: labels ?? { 'istio-injection': null } } };
        const { status, body } = await api.patch(`/api/v1/namespaces/${namespace}`, patch);
        if (status !== 200) throw new Error(`${namespace}: ${status} ${body.message}`);
      },
      requests: () => readRequests(path.join(access.folder, 'audit.log')),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
