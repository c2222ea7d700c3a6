import { describe, expect, test } from '@jest/globals';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { findObject, readInstallManifest } from '../../support/cluster/install-manifest.ts';

const objects = await readInstallManifest();
const name = (object: JsonObject) => stringMember(objectMember(object, 'metadata'), 'name');
const deployment = findObject(objects, 'Deployment', 'sidecar-injector');
const pod = objectMember(objectMember(objectMember(deployment, 'spec'), 'template'), 'spec');
const [container] = objectsMember(pod, 'containers');

describe('order', () => {
  test('the namespace comes before everything in it', () => {
    expect(objects[0]).toMatchObject({ kind: 'Namespace', metadata: { name: 'sidecar-injector-system' } });
  });

  test('the registration comes last, when there is something to call', () => {
    expect(objects.at(-1)).toMatchObject({ kind: 'MutatingWebhookConfiguration' });
  });
});

describe('permissions', () => {
  test('are these and no others', () => {
    const rules = objects
      .filter((object) => object['kind'] === 'Role' || object['kind'] === 'ClusterRole')
      .map((object) => [object['kind'], object['rules']]);
    expect(Object.fromEntries(rules)).toEqual({
      Role: [
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['sidecar-injector-ca'], verbs: ['get', 'update'] },
      ],
      ClusterRole: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['mutatingwebhookconfigurations'],
          resourceNames: ['sidecar-injector'],
          verbs: ['get', 'patch'],
        },
        { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
        { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
      ],
    });
  });

  test('the CA Secret is shipped empty', () => {
    const secret = findObject(objects, 'Secret', 'sidecar-injector-ca');
    expect([member(secret, 'data'), member(secret, 'stringData')]).toEqual([undefined, undefined]);
  });
});

describe('the pod', () => {
  test.each([
    ['runs as a user other than root', 'runAsNonRoot', true],
    ['runs as a numbered user', 'runAsUser', 65532],
    ['has a seccomp profile', 'seccompProfile', { type: 'RuntimeDefault' }],
  ])('%s', (_what, field, value) => {
    expect(objectMember(pod, 'securityContext')?.[field]).toEqual(value);
  });

  test.each([
    ['cannot gain privileges', 'allowPrivilegeEscalation', false],
    ['cannot write to its root', 'readOnlyRootFilesystem', true],
    ['has no capability', 'capabilities', { drop: ['ALL'] }],
  ])('its container %s', (_what, field, value) => {
    expect(objectMember(container, 'securityContext')?.[field]).toEqual(value);
  });

  test('a rolling update never has fewer replicas than wanted', () => {
    expect(objectMember(deployment, 'spec')).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
    });
  });

  test('mounts every ConfigMap that is shipped, and each exists but that of the mesh, which is another manifest', () => {
    const mounted = objectsMember(pod, 'volumes').map((volume) =>
      stringMember(objectMember(volume, 'configMap'), 'name'),
    );
    const shipped = objects.filter((object) => object['kind'] === 'ConfigMap').map(name);
    expect(new Set(mounted)).toEqual(new Set([...shipped, 'sidecar-injector-mesh-roots']));
  });

  test.each(['livenessProbe', 'readinessProbe'])(
    '%s asks on a port of its own, which nothing that the review port suffers reaches',
    (probe) => {
      expect(objectMember(container, probe)).toMatchObject({ httpGet: { port: 'health' } });
      expect(objectsMember(container, 'ports')).toContainEqual({ name: 'health', containerPort: 8081 });
    },
  );
});

describe('the registration', () => {
  const registration = findObject(objects, 'MutatingWebhookConfiguration', 'sidecar-injector');
  const entries = objectsMember(registration, 'webhooks');

  test('calls the shipped Service on a port that it has', () => {
    const service = findObject(objects, 'Service', 'sidecar-injector');
    const ports = objectsMember(objectMember(service, 'spec'), 'ports').map((port) => port['port']);
    for (const entry of entries) {
      const called = objectMember(objectMember(entry, 'clientConfig'), 'service');
      expect(called).toMatchObject({ name: 'sidecar-injector', namespace: 'sidecar-injector-system' });
      expect(ports).toContain(called?.['port']);
    }
  });

  test('has no CA bundle, so that applying it again leaves the published one alone', () => {
    for (const entry of entries) expect(Object.keys(objectMember(entry, 'clientConfig') ?? {})).toEqual(['service']);
  });

  test('excludes our own namespace and the system’s in every entry', () => {
    expect(entries).toHaveLength(4);
    for (const entry of entries) {
      const expressions = objectsMember(objectMember(entry, 'namespaceSelector'), 'matchExpressions');
      expect(expressions).toContainEqual({
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: expect.arrayContaining(['kube-system', 'sidecar-injector-system']),
      });
    }
  });
});
