import { annotationNames as names } from '../../pod/annotation-names.ts';
import { withFieldNames } from '../../pod/field-case.ts';
import { byKey, stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

/** A volume and its mounts in the proxy; either may be missing. */
interface Mounted {
  readonly volume?: NamedObject;
  readonly mounts?: readonly JsonObject[];
}

function mounted(name: string, source: JsonObject, mountPath: string, more: JsonObject = {}): Mounted {
  return { volume: { name, ...source }, mounts: [{ name, mountPath, ...more }] };
}

/**
 * Returns a volume without a source. The API server makes it an emptyDir, unless the pod or a later template sets
 * another source (a CSI driver of SPIRE or of a certificate manager). A source set here would be in addition to theirs.
 */
function socket(name: string, mountPath: string): Mounted {
  return mounted(name, {}, mountPath);
}

const certificates = '/var/run/secrets/workload-spiffe-credentials';

function workloadCertificates({ values }: TemplateData): Mounted {
  if (values.global.caName !== 'GkeWorkloadCertificate') return socket('workload-certs', certificates);
  const csi = { driver: 'workloadcertificates.security.cloud.google.com' };
  return mounted('gke-workload-certificate', { csi }, certificates, { readOnly: true });
}

function memory(name: string): Mounted {
  return mounted(name, { emptyDir: { medium: 'Memory' } }, '/etc/istio/proxy');
}

const data = mounted('istio-data', { emptyDir: {} }, '/var/lib/istio/data');

const podFields = [
  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
  { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
];
const podInfo = mounted('istio-podinfo', { downwardAPI: { items: podFields } }, '/etc/istio/pod');

/**
 * Returns the volume of the token that identifies the pod to istiod: without it, or with another audience, no
 * certificate is signed.
 */
function token({ values }: TemplateData): Mounted {
  const { aud: audience } = values.global.sds.token;
  const serviceAccountToken = { audience, expirationSeconds: 43_200, path: 'istio-token' };
  return mounted('istio-token', { projected: { sources: [{ serviceAccountToken }] } }, '/var/run/secrets/tokens');
}

/** Returns the volume of istiod's root certificate; the agent does not start without it. */
function rootCertificate({ values }: TemplateData): Mounted {
  const { pilotCertProvider, trustBundleName } = values.global;
  if (pilotCertProvider !== 'istiod') return {};
  const bundled = values.pilot.env['ENABLE_CLUSTER_TRUST_BUNDLE_API'] === 'true';
  const clusterTrustBundle = { name: `istio.io:istiod-ca:${trustBundleName ?? 'root-cert'}`, path: 'root-cert.pem' };
  const source = bundled
    ? { projected: { sources: [{ clusterTrustBundle }] } }
    : { configMap: { name: trustBundleName ?? 'istio-ca-root-cert' } };
  return mounted('istiod-ca-cert', source, '/var/run/secrets/istio');
}

/** Returns the volume of the certificate revocation list. It exists even where no root certificate is mounted. */
function revocations({ values }: TemplateData): Mounted {
  const name = 'istio-ca-crl';
  const configMap = { name: values.pilot.crlConfigMapName ?? name, optional: true };
  const whole = mounted(name, { configMap }, '/var/run/secrets/istio/crl');
  return values.global.pilotCertProvider === 'istiod' ? whole : { ...whole, mounts: [] };
}

function bootstrapOverride(subject: TemplateData): Mounted {
  const name = annotationOf(subject, names.bootstrapOverride);
  if (name === undefined) return {};
  return mounted('custom-bootstrap-volume', { configMap: { name } }, '/etc/istio/custom-bootstrap');
}

function mutualTlsCertificates({ values, view }: TemplateData): Mounted {
  if (!values.global.mountMtlsCerts) return {};
  const account = stringMember(view.spec, 'serviceAccountName') || 'default';
  const secret = { optional: true, secretName: `istio.${account}` };
  return mounted('istio-certs', { secret }, '/etc/certs/', { readOnly: true });
}

function lightstepCertificates({ values, proxyConfig }: TemplateData): Mounted {
  const tracing = proxyConfig.tracing as JsonObject | undefined;
  const settings = tracing?.['tlsSettings'];
  if (values.global.proxy.tracer !== 'lightstep' || typeof settings !== 'object' || settings === null) return {};
  const file = stringMember(settings as JsonObject, 'caCertificates') ?? '';
  const folder = file.slice(0, file.lastIndexOf('/') + 1) || '/';
  const secret = { optional: true, secretName: 'lightstep.cacert' };
  return mounted('lightstep-certs', { secret }, folder, { readOnly: true });
}

/** Returns the objects of an annotation, each with its name. The annotation has been checked with the others before. */
export function namedObjects(annotations: JsonObject | undefined, annotation: string): NamedObject[] {
  const text = stringMember(annotations, annotation);
  if (text === undefined) return [];
  const objects = JSON.parse(text) as Readonly<Record<string, JsonObject>>;
  return Object.entries(objects)
    .toSorted(byKey)
    .map(([name, object]) => ({ ...(withFieldNames(object) as JsonObject), name }));
}

function userVolumes({ view: { annotations } }: TemplateData): Mounted[] {
  return [
    ...namedObjects(annotations, names.userVolume).map((volume) => ({ volume })),
    { mounts: namedObjects(annotations, names.userVolumeMount) },
  ];
}

/** Volumes of a pod and the proxy's mounts of them, each in Istio's order. */
export interface VolumeSet {
  readonly volumes: readonly NamedObject[];
  readonly mounts: readonly JsonObject[];
}

function setOf(volumes: readonly Mounted[], mounts: readonly Mounted[] = volumes): VolumeSet {
  return {
    volumes: volumes.flatMap(({ volume }) => (volume === undefined ? [] : [volume])),
    mounts: mounts.flatMap((one) => one.mounts ?? []),
  };
}

const workloadSocket = socket('workload-socket', '/var/run/secrets/workload-spiffe-uds');
const credentialSocket = socket('credential-socket', '/var/run/secrets/credential-uds');
const envoy = memory('istio-envoy');

/** Returns what the templates with an agent have in common. */
function shared(subject: TemplateData) {
  return {
    certs: workloadCertificates(subject),
    bootstrap: bootstrapOverride(subject),
    root: rootCertificate(subject),
    own: token(subject),
    mtls: mutualTlsCertificates(subject),
  };
}

/** Returns the volumes of a sidecar proxy. */
export function sidecarVolumes(subject: TemplateData): VolumeSet {
  const { certs, bootstrap, root, own, mtls } = shared(subject);
  const revoked = revocations(subject);
  const user = userVolumes(subject);
  const lightstep = lightstepCertificates(subject);
  const sockets = [workloadSocket, credentialSocket, certs];
  return setOf(
    [...sockets, bootstrap, envoy, data, podInfo, own, root, revoked, mtls, ...user, lightstep],
    [...sockets, root, revoked, data, bootstrap, envoy, own, mtls, podInfo, lightstep, ...user],
  );
}

/** Returns the volumes of a gateway. */
export function gatewayVolumes(subject: TemplateData): VolumeSet {
  const { certs, bootstrap, root, own, mtls } = shared(subject);
  const sockets = [workloadSocket, credentialSocket, certs];
  return setOf(
    [...sockets, bootstrap, envoy, data, podInfo, own, root, mtls],
    [...sockets, root, data, bootstrap, envoy, own, mtls, podInfo],
  );
}

const xds = memory('istio-xds');

/** Returns the volumes of an agent without Envoy. */
export function agentVolumes(subject: TemplateData): VolumeSet {
  const { certs, bootstrap, root, own, mtls } = shared(subject);
  const user = userVolumes(subject);
  return setOf(
    [workloadSocket, certs, bootstrap, xds, data, podInfo, own, root, mtls, ...user],
    [workloadSocket, certs, root, data, xds, own, mtls, podInfo, ...user],
  );
}

/** Returns the mounts that the agent shares with the applications it serves. */
export function sharedWithApplications(subject: TemplateData): readonly JsonObject[] {
  return [data, xds, workloadCertificates(subject)].flatMap(({ mounts }) => mounts ?? []);
}
