import { describe, expect, test } from '@jest/globals';
import { findObjects, readTemplatePath } from '../../../src/manifests/workloads.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const pod = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } };
const inSpec = { spec: { template: pod } };

describe('findObjects', () => {
  test.each<[string, string, JsonObject, string]>([
    ['v1', 'Pod', pod, ''],
    ['v1', 'PodTemplate', { template: pod }, '/template'],
    ['v1', 'ReplicationController', inSpec, '/spec/template'],
    ['apps/v1', 'Deployment', inSpec, '/spec/template'],
    ['extensions/v1beta1', 'Deployment', inSpec, '/spec/template'],
    ['apps/v1beta2', 'DaemonSet', inSpec, '/spec/template'],
    ['apps/v1', 'StatefulSet', inSpec, '/spec/template'],
    ['apps/v1', 'ReplicaSet', inSpec, '/spec/template'],
    ['batch/v1', 'Job', inSpec, '/spec/template'],
    [
      'batch/v1beta1',
      'CronJob',
      { spec: { jobTemplate: { metadata: { labels: { of: 'the job' } }, spec: { template: pod } } } },
      '/spec/jobTemplate/spec/template',
    ],
    ['apps.openshift.io/v1', 'DeploymentConfig', inSpec, '/spec/template'],
    ['argoproj.io/v1alpha1', 'Rollout', inSpec, '/spec/template'],
  ])('knows %s %s', (apiVersion, kind, body, pointer) => {
    const [found] = findObjects({ apiVersion, kind, ...body });
    expect(found?.pod?.pointer).toBe(pointer);
    expect(found?.pod?.value).toMatchObject(pod);
    expect(found?.pod?.value).not.toHaveProperty('metadata.labels.of');
  });

  test.each<[string, JsonObject, RegExp]>([
    ['a Service', { apiVersion: 'v1', kind: 'Service', spec: {} }, /does not create pods/],
    ['a Deployment of another group', { apiVersion: 'example.com/v1', kind: 'Deployment' }, /does not create pods/],
    [
      'a Deployment without a pod',
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: {} },
      /no pod at \/spec\/template\/spec/,
    ],
    [
      'a Rollout of another workload',
      { apiVersion: 'argoproj.io/v1', kind: 'Rollout', spec: { workloadRef: { name: 'x' } } },
      /workloadRef/,
    ],
    [
      'an unknown workload',
      { apiVersion: 'serving.knative.dev/v1', kind: 'Service', ...inSpec },
      /--pod-template Service\.serving\.knative\.dev=\/spec\/template/,
    ],
  ])('says why %s is passed through', (_what, object, why) => {
    const [found] = findObjects(object);
    expect(found?.pod).toBeUndefined();
    expect(found?.skipReason).toMatch(why);
  });

  test('takes further paths from the caller', () => {
    const object = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', ...inSpec };
    const paths = new Map([['Service.serving.knative.dev', '/spec/template']]);
    expect(findObjects(object, paths)[0]?.pod?.pointer).toBe('/spec/template');
  });

  test('goes into lists, nested ones and typed ones', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n' }, spec: {} },
        { apiVersion: 'v1', kind: 'PodList', items: [{ metadata: { generateName: 'b-' }, spec: {} }] },
        { kind: 'List', items: [] },
      ],
    };
    expect(findObjects(list).map(({ name, namespace, kind, pod }) => [kind, name, namespace, pod?.pointer])).toEqual([
      ['Pod', 'a', 'n', '/items/0'],
      ['Pod', 'b-*', undefined, '/items/1/items/0'],
    ]);
  });

  test.each([[null], ['text'], [[1]], [{}], [{ kind: 7 }], [{ kind: 'List', items: [null, 3] }]])(
    'finds no object in %j',
    (value) => {
      expect(findObjects(value)).toEqual([]);
    },
  );
});

describe('readTemplatePath', () => {
  test.each([
    ['Service.serving.knative.dev=/spec/template', { kind: 'Service.serving.knative.dev', path: '/spec/template' }],
    ['PodTemplate=/template', { kind: 'PodTemplate', path: '/template' }],
  ])('reads %s', (text, expected) => {
    expect(readTemplatePath(text)).toEqual(expected);
  });

  test.each(['', 'Service', '=/a', 'Service=', 'Service=a', 'Service=/', 'Service=/a/', 'a b=/c'])(
    'refuses %j',
    (text) => {
      expect(readTemplatePath(text)).toBeUndefined();
    },
  );
});
