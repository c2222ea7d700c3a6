import type { ApiClient, KubernetesObject } from '../http/api-client.ts';

const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector';

/** Our registration as the API server holds it; only what tests look at. */
export interface Registration extends KubernetesObject {
  webhooks: { name: string; failurePolicy: string; clientConfig: { caBundle?: string; service?: { port: number } } }[];
}

/** Reads it. */
export async function readRegistration(api: ApiClient): Promise<Registration> {
  const { status, body } = await api.get<Registration>(path);
  if (status !== 200) throw new Error(`registration: ${body.message}`);
  return body;
}

/** The CA bundle of each entry, PEM; undefined for an entry without one. */
export async function readBundles(api: ApiClient): Promise<readonly (string | undefined)[]> {
  const { webhooks } = await readRegistration(api);
  return webhooks.map(({ clientConfig: { caBundle } }) =>
    caBundle === undefined ? undefined : Buffer.from(caBundle, 'base64').toString('utf8'),
  );
}

/** Writes the same bundle into each entry, or takes it out of each. */
export async function writeBundles(api: ApiClient, pem: string | undefined): Promise<void> {
  const { webhooks } = await readRegistration(api);
  const operations = webhooks.map((_entry, index) => {
    const pointer = `/webhooks/${index}/clientConfig/caBundle`;
    if (pem === undefined) return { op: 'remove', path: pointer };
    return { op: 'add', path: pointer, value: Buffer.from(pem).toString('base64') };
  });
  const { status, body } = await api.patch(path, operations);
  if (status !== 200) throw new Error(`registration: ${body.message}`);
}
