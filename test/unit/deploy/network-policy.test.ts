import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { findObject, readInstallManifest } from '../../support/cluster/install-manifest.ts';

const base = path.resolve(import.meta.dirname, '../../../deploy/base');

const install = await readInstallManifest();
const [policy = {}] = parseAllDocuments(readFileSync(path.join(base, 'network-policy.yaml'), 'utf8')).map(
  (document) => document.toJS() as JsonObject,
);
const spec = objectMember(policy, 'spec');

describe('the NetworkPolicy', () => {
  test('bounds both directions of the injector’s pods', () => {
    const template = objectMember(
      objectMember(findObject(install, 'Deployment', 'sidecar-injector'), 'spec'),
      'template',
    );
    const selected = objectMember(objectMember(spec, 'podSelector'), 'matchLabels');
    expect(selected).toEqual({ app: 'sidecar-injector' });
    expect(objectMember(template, 'metadata')).toMatchObject({ labels: selected });
    expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
  });

  test('lets reviews in, and pods of the cluster to the metrics, and nothing else', () => {
    expect(objectsMember(spec, 'ingress')).toEqual([
      { ports: [{ port: 'https', protocol: 'TCP' }] },
      { ports: [{ port: 'metrics', protocol: 'TCP' }], from: [{ namespaceSelector: {} }] },
    ]);
  });

  test('names ports that the pod has', () => {
    const pod = objectMember(
      objectMember(objectMember(findObject(install, 'Deployment', 'sidecar-injector'), 'spec'), 'template'),
      'spec',
    );
    const ports = objectsMember(objectsMember(pod, 'containers')[0], 'ports').map((port) => stringMember(port, 'name'));
    expect(ports).toEqual(expect.arrayContaining(['https', 'metrics']));
  });

  test('lets the injector out to API servers and DNS alone', () => {
    expect(objectsMember(spec, 'egress').map((rule) => rule['ports'])).toEqual([
      [443, 6443, 8443].map((port) => ({ port, protocol: 'TCP' })),
      ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })),
    ]);
  });
});
