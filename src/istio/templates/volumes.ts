import { annotationNames as names } from '../../pod/annotation-names.ts';
import { byKey, stringMember, type JsonObject } from '../../json/json.ts';
import type { Named } from './template-pod.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

/** A volume and its mounts in the proxy; either may be missing. */
interface Mounted {
  readonly volume?: Named;
  readonly mounts?: readonly JsonObject[];
}

const certificates = '/var/run/secrets/workload-spiffe-credentials';

/**
 * Returns a volume without a source. The API server makes it an emptyDir, unless the pod or a later template sets
 * another source (a CSI driver of SPIRE or of a certificate manager). A source set here would be in addition to theirs.
 */
function socket(name: string, mountPath: string): Mounted {
  return { volume: { name }, mounts: [{ name, mountPath }] };
}

function workloadCertificates({ values }: TemplateData): Mounted {
  if (values.global.caName !== 'GkeWorkloadCertificate') return socket('workload-certs', certificates);
  const name = 'gke-workload-certificate';
  return {
    volume: { name, csi: { driver: 'workloadcertificates.security.cloud.google.com' } },
    mounts: [{ name, mountPath: certificates, readOnly: true }],
  };
}

function memory(name: string): Mounted {
  return { volume: { name, emptyDir: { medium: 'Memory' } }, mounts: [{ name, mountPath: '/etc/istio/proxy' }] };
}

const data: Mounted = {
  volume: { name: 'istio-data', emptyDir: {} },
  mounts: [{ name: 'istio-data', mountPath: '/var/lib/istio/data' }],
};

const podInfo: Mounted = {
  volume: {
    name: 'istio-podinfo',
    downwardAPI: {
      items: [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
      ],
    },
  },
  mounts: [{ name: 'istio-podinfo', mountPath: '/etc/istio/pod' }],
};

/**
 * Returns the volume of the token that identifies the pod to istiod: without it, or with another audience, no
 * certificate is signed.
 */
function token({ values }: TemplateData): Mounted {
  const { aud: audience } = values.global.sds.token;
  return {
    volume: {
      name: 'istio-token',
      projected: {
        sources: [{ serviceAccountToken: { audience, expirationSeconds: 43_200, path: 'istio-token' } }],
      },
    },
    mounts: [{ name: 'istio-token', mountPath: '/var/run/secrets/tokens' }],
  };
}

/** Returns the volume of istiod's root certificate; the agent does not start without it. */
function rootCertificate({ values }: TemplateData): Mounted {
  if (values.global.pilotCertProvider !== 'istiod') return {};
  const name = 'istiod-ca-cert';
  const bundled = values.pilot.env['ENABLE_CLUSTER_TRUST_BUNDLE_API'] === 'true';
  const source = bundled
    ? {
        projected: {
          sources: [
            {
              clusterTrustBundle: {
                name: `istio.io:istiod-ca:${values.global.trustBundleName ?? 'root-cert'}`,
                path: 'root-cert.pem',
              },
            },
          ],
        },
      }
    : { configMap: { name: values.global.trustBundleName ?? 'istio-ca-root-cert' } };
  return { volume: { name, ...source }, mounts: [{ name, mountPath: '/var/run/secrets/istio' }] };
}

/** Returns the volume of the certificate revocation list. It exists even where no root certificate is mounted. */
function revocations({ values }: TemplateData): Mounted {
  const name = 'istio-ca-crl';
  const mounted = values.global.pilotCertProvider === 'istiod';
  return {
    volume: { name, configMap: { name: values.pilot.crlConfigMapName ?? name, optional: true } },
    mounts: mounted ? [{ name, mountPath: '/var/run/secrets/istio/crl' }] : [],
  };
}

function bootstrapOverride(subject: TemplateData): Mounted {
  const configMap = annotationOf(subject, names.bootstrapOverride);
  if (configMap === undefined) return {};
  const name = 'custom-bootstrap-volume';
  return {
    volume: { name, configMap: { name: configMap } },
    mounts: [{ name, mountPath: '/etc/istio/custom-bootstrap' }],
  };
}

function mutualTlsCertificates({ values, view }: TemplateData): Mounted {
  if (!values.global.mountMtlsCerts) return {};
  const account = stringMember(view.spec, 'serviceAccountName') || 'default';
  return {
    volume: { name: 'istio-certs', secret: { optional: true, secretName: `istio.${account}` } },
    mounts: [{ name: 'istio-certs', mountPath: '/etc/certs/', readOnly: true }],
  };
}

function lightstepCertificates({ values, proxyConfig }: TemplateData): Mounted {
  const tracing = proxyConfig.tracing as JsonObject | undefined;
  const settings = tracing?.['tlsSettings'];
  if (values.global.proxy.tracer !== 'lightstep' || typeof settings !== 'object' || settings === null) return {};
  const file = stringMember(settings as JsonObject, 'caCertificates') ?? '';
  const name = 'lightstep-certs';
  return {
    volume: { name, secret: { optional: true, secretName: 'lightstep.cacert' } },
    mounts: [{ name, mountPath: file.slice(0, Math.max(0, file.lastIndexOf('/'))) || '/', readOnly: true }],
  };
}

function entriesOf(subject: TemplateData, annotation: string): Named[] {
  const text = annotationOf(subject, annotation);
  if (text === undefined) return [];
  // The annotation has been checked with the others before.
  const objects = JSON.parse(text) as Readonly<Record<string, JsonObject>>;
  return Object.entries(objects)
    .toSorted(byKey)
    .map(([name, object]) => ({ ...object, name }));
}

function userVolumes(subject: TemplateData): Mounted[] {
  return [
    ...entriesOf(subject, names.userVolume).map((volume) => ({ volume })),
    { mounts: entriesOf(subject, names.userVolumeMount) },
  ];
}

/** Volumes of a pod and the proxy's mounts of them, each in Istio's order. */
export interface VolumeSet {
  readonly volumes: readonly Named[];
  readonly mounts: readonly JsonObject[];
}

function setOf(volumes: readonly Mounted[], mounts: readonly Mounted[] = volumes): VolumeSet {
  return {
    volumes: volumes.flatMap(({ volume }) => (volume === undefined ? [] : [volume])),
    mounts: mounts.flatMap((mounted) => mounted.mounts ?? []),
  };
}

const workloadSocket = socket('workload-socket', '/var/run/secrets/workload-spiffe-uds');
const credentialSocket = socket('credential-socket', '/var/run/secrets/credential-uds');
const envoy = memory('istio-envoy');

/** Returns the volumes of a sidecar proxy. */
export function sidecarVolumes(subject: TemplateData): VolumeSet {
  const certs = workloadCertificates(subject);
  const bootstrap = bootstrapOverride(subject);
  const root = rootCertificate(subject);
  const revoked = revocations(subject);
  const own = token(subject);
  const mtls = mutualTlsCertificates(subject);
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
  const certs = workloadCertificates(subject);
  const root = rootCertificate(subject);
  const own = token(subject);
  const mtls = mutualTlsCertificates(subject);
  const sockets = [workloadSocket, credentialSocket, certs];
  return setOf(
    [...sockets, envoy, data, podInfo, own, root, mtls],
    [...sockets, root, data, envoy, own, mtls, podInfo],
  );
}

const xds = memory('istio-xds');

/** Returns the volumes of an agent without Envoy. */
export function agentVolumes(subject: TemplateData): VolumeSet {
  const certs = workloadCertificates(subject);
  const bootstrap = bootstrapOverride(subject);
  const root = rootCertificate(subject);
  const own = token(subject);
  const mtls = mutualTlsCertificates(subject);
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
