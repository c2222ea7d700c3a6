import { isObject, type Json, type JsonObject } from '../json/json.ts';
import { wordsOf } from '../grammar/words.ts';

/** Fields of volumes, mounts and variables (kubernetes/api core/v1). */
const fields = wordsOf(`
  accessModes apiGroup apiVersion audience azureDisk azureFile cachingMode cephfs chapAuthDiscovery chapAuthSession cinder
  claimName clusterTrustBundle configMap configMapKeyRef containerName csi dataSource dataSourceRef datasetName datasetUUID
  defaultMode diskName diskURI divisor downwardAPI driver emptyDir endpoints ephemeral expirationSeconds fc fieldPath fieldRef
  fileKeyRef flexVolume flocker fsType gateway gcePersistentDisk gitRepo glusterfs group hostPath image initiatorName iqn iscsi
  iscsiInterface items key keyring kind labelSelector limits lun medium metadata mode monitors mountPath mountPropagation name
  namespace nfs nodePublishSecretRef optional options partition path pdID pdName persistentVolumeClaim photonPersistentDisk
  podCertificate pool portals portworxVolume projected protectionDomain pullPolicy quobyte rbd readOnly recursiveReadOnly
  reference registry repository requests resource resourceFieldRef resources revision scaleIO secret secretFile secretKeyRef
  secretName secretNamespace secretRef selector server serviceAccountToken shareName signerName sizeLimit sources spec
  sslEnabled storageClassName storageMode storageos storagePolicyID storagePolicyName storagePool subPath subPathExpr system
  targetPortal targetWWNs tenant user value valueFrom volume volumeAttributes volumeAttributesClassName volumeClaimTemplate
  volumeID volumeMode volumeName volumeNamespace volumePath vsphereVolume wwids
`);

/** Go's folding of letters: the two signs that are not ASCII but fold to a letter that is. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

const byFolded: ReadonlyMap<string, string> = new Map(fields.map((name) => [folded(name), name]));

/** Members whose own members are named by their authors. */
const maps: ReadonlySet<string> = new Set(['annotations', 'labels', 'matchLabels', 'options', 'volumeAttributes']);

/**
 * Returns the value with the fields of volumes, mounts and variables as Kubernetes spells them. Go reads the keys of JSON
 * whatever their case (encoding/json), so `readonly` works with Istio; the API server knows `readOnly` alone.
 */
export function withFieldNames(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withFieldNames);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = byFolded.get(folded(key)) ?? key;
      return [name, inner === undefined || maps.has(name) ? inner : withFieldNames(inner)];
    }),
  ) satisfies JsonObject;
}
