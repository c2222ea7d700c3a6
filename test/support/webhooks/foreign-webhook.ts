import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createAuthority, issueLeaf, localNames } from '../../../src/certs/authority.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { startProgram, type BackgroundProgram } from '../processes/background-program.ts';
import type { TestCluster } from '../processes/test-cluster.ts';

/** A webhook of another project that runs on this machine. */
export interface ForeignWebhook {
  readonly program: BackgroundProgram;
  /** How the API server calls one of its paths. */
  clientConfig(path: string): { readonly url: string; readonly caBundle: string };
}

/** How to start one. */
export interface ForeignProgram {
  readonly name: string;
  /** The program, and a file with the definitions of its kinds. */
  readonly binary: string | undefined;
  readonly definitions: string | undefined;
  /** Port of 127.0.0.1 at which it listens. */
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Returns its arguments, with a folder that has `tls.crt`, `tls.key` and `ca.crt`. */
  readonly args: (certificates: string) => readonly string[];
}

const lifetimeMs = 3_600_000;

/** Applies the definitions of its kinds and starts it, with a certificate for 127.0.0.1. */
export async function startForeignWebhook(cluster: TestCluster, options: ForeignProgram): Promise<ForeignWebhook> {
  const { name, binary, definitions, port, env, args } = options;
  if (binary === undefined || definitions === undefined) {
    throw new Error(`there is no ${name}: run these tests with \`make test-webhooks\``);
  }
  await kubectl(cluster.kubeconfig, ['apply', '--server-side', '-f', definitions]);
  await kubectl(cluster.kubeconfig, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs });
  const leaf = await issueLeaf({ authority, names: localNames, now, lifetimeMs });
  const folder = path.join(cluster.folder, `${name}-certificates`);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'ca.crt'), authority.certificate);
  await writeFile(path.join(folder, 'tls.crt'), leaf.certificate);
  await writeFile(path.join(folder, 'tls.key'), leaf.privateKey, { mode: 0o600 });
  return {
    program: startProgram(name, [binary, ...args(folder)], {
      logFile: path.join(cluster.folder, `${name}.log`),
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env },
    }),
    clientConfig: (place) => ({
      url: `https://127.0.0.1:${port}${place}`,
      caBundle: Buffer.from(authority.certificate).toString('base64'),
    }),
  };
}

const mutating = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** What a webhook of pods is registered with; the name decides about the order. */
export interface PodRegistration {
  readonly name: string;
  readonly entry: string;
  readonly clientConfig: object;
  readonly reinvocationPolicy: 'Never' | 'IfNeeded';
}

/** Registers it for the creation of pods, and returns how to take that away. */
export async function registerForPods(
  { api }: TestCluster,
  { name, entry, clientConfig, reinvocationPolicy }: PodRegistration,
): Promise<() => Promise<void>> {
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
  const both = { admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail' };
  const webhooks = [{ name: entry, clientConfig, rules, reinvocationPolicy, ...both }];
  const answer = await api.create(mutating, { metadata: { name }, webhooks });
  if (answer.status !== 201) throw new Error(`registration ${name}: ${answer.body.message}`);
  return async () => void (await api.delete(`${mutating}/${name}`));
}

/**
 * Registers our webhook under another name instead of its own, so that it is called before or after one that cannot be
 * renamed. Nothing repairs the CA bundle of this registration.
 */
export async function renameOurRegistration({ api }: TestCluster, name: string): Promise<void> {
  const { body } = await api.get<{ webhooks: unknown }>(`${mutating}/sidecar-injector`);
  const answer = await api.create(mutating, { metadata: { name }, webhooks: body.webhooks });
  if (answer.status !== 201) throw new Error(`registration ${name}: ${answer.body.message}`);
  await api.delete(`${mutating}/sidecar-injector`);
}
