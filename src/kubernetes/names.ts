/** Names of the objects that the manifests ship; each is a default that a caller may replace. */
export const namespaceName = 'sidecar-injector-system';
export const secretName = 'sidecar-injector-ca';
export const webhookConfigurationName = 'sidecar-injector';
export const serviceName = 'sidecar-injector';

/** Entries of the webhook configuration that end like this are ours; others are never touched. */
export const entrySuffix = '.sidecar-injector.io';
