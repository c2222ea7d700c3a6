/** Names of the objects in the shipped manifests; callers can override each of them. */
export const namespaceName = 'sidecar-injector-system';
export const secretName = 'sidecar-injector-ca';
export const webhookConfigurationName = 'sidecar-injector';
export const serviceName = 'sidecar-injector';

/** Suffix of the names of our entries in the webhook configuration; other entries are never changed. */
export const entrySuffix = '.sidecar-injector.io';
