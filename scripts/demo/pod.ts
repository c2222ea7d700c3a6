import type { JsonObject } from '../../src/json/json.ts';
import { isObject, member, objectMember, stringMember } from '../../src/json/json.ts';

function own(object: JsonObject | undefined): JsonObject {
  return object ?? {};
}

/**
 * The pod that a Deployment's ReplicaSet would create, with what the API server fills in before it asks webhooks:
 * defaults, the token volume of the service account, managedFields.
 */
export function podOfDeployment(deployment: JsonObject, namespace: string): JsonObject {
  const template = own(objectMember(objectMember(deployment, 'spec'), 'template'));
  const metadata = own(objectMember(template, 'metadata'));
  const spec = own(objectMember(template, 'spec'));
  const name = stringMember(objectMember(deployment, 'metadata'), 'name') ?? '';
  const hash = '6c9f8d7b54';
  const tokenMount = {
    name: 'kube-api-access-x7k2p',
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  };
  const containers = member(spec, 'containers');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-${hash}-`,
      namespace,
      ...metadata,
      labels: { ...own(objectMember(metadata, 'labels')), 'pod-template-hash': hash },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${name}-${hash}`,
          uid: '00000000-0000-4000-8000-000000000001',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      ...spec,
      volumes: [
        {
          name: tokenMount.name,
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: (Array.isArray(containers) ? containers : []).filter(isObject).map((container: JsonObject) => ({
        ...container,
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
        volumeMounts: [tokenMount],
      })),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    },
  };
}
