import { createServer } from 'node:https';
import { createAuthority, issueLeaf, localNames } from '../../../src/certs/authority.ts';
import type { Pod } from '../http/api-client.ts';
import type { TestCluster } from './test-cluster.ts';

/** An operation of a JSON Patch. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** A mutating webhook of somebody else. */
export interface SecondWebhook {
  /** Every pod that it was shown, in order. */
  readonly seen: readonly Pod[];
  stop(): Promise<void>;
}

/**
 * Starts a webhook that answers each pod creation of one namespace with `mutate`'s operations, and registers it. API
 * servers call configurations in the order of their names: ours is called `sidecar-injector`.
 */
export async function startSecondWebhook(
  cluster: TestCluster,
  options: {
    readonly name: string;
    readonly namespace: string;
    readonly mutate: (pod: Pod) => readonly PatchOperation[];
  },
): Promise<SecondWebhook> {
  const lifetimeMs = 3_600_000;
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs });
  const leaf = await issueLeaf({ authority, names: localNames, now, lifetimeMs });
  const seen: Pod[] = [];
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review: { request: { uid: string; object: Pod } } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      seen.push(review.request.object);
      const operations = options.mutate(review.request.object);
      const patch = { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
      const answer = { uid: review.request.uid, allowed: true, ...(operations.length > 0 && patch) };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const created = await cluster.api.create(path, {
    metadata: { name: options.name },
    webhooks: [
      {
        name: `${options.name}.example.com`,
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.certificate).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': options.namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        reinvocationPolicy: 'IfNeeded',
      },
    ],
  });
  if (created.status !== 201) throw new Error(`registration ${options.name}: ${created.body.message}`);
  return {
    seen,
    async stop() {
      await cluster.api.delete(`${path}/${options.name}`);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
