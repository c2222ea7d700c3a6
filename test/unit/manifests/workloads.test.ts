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
    expect(found?.pods[0]?.pointer).toBe(pointer);
    expect(found?.pods[0]?.value).toMatchObject(pod);
    expect(found?.pods[0]?.value).not.toHaveProperty('metadata.labels.of');
  });

  test.each<[string, JsonObject, RegExp]>([
    ['a Service', { apiVersion: 'v1', kind: 'Service', spec: {} }, /no known pod template/],
    ['a Deployment of another group', { apiVersion: 'example.com/v1', kind: 'Deployment' }, /no known pod template/],
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
      {
        apiVersion: 'example.com/v1',
        kind: 'Fleet',
        spec: { ships: [{ template: { spec: { containers: [{ name: 'a' }] } } }] },
        status: { copy: { spec: { containers: [{ name: 'a' }] } } },
      },
      /^no known pod template; --pod-template 'Fleet\.example\.com=\/spec\/ships\/\*\/template' takes what looks like one$/,
    ],
  ])('says why %s is passed through', (_what, object, why) => {
    const [found] = findObjects(object);
    expect(found?.pods).toEqual([]);
    expect(found?.without?.reason).toMatch(why);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['one', ['/spec/a/0'], ['/spec/a/0']],
    ['all of several paths', ['/spec/b/x', '/spec/a/1'], ['/spec/b/x', '/spec/a/1']],
    ['any item', ['/spec/a/*'], ['/spec/a/0', '/spec/a/1']],
    ['any member', ['/spec/b/*'], ['/spec/b/x', '/spec/b/y~1z']],
    ['the same pod once', ['/spec/a/*', '/spec/a/0'], ['/spec/a/0', '/spec/a/1']],
    ['nothing', ['/spec/a/2', '/spec/a/-1', '/spec/a/00', '/spec/b/constructor', '/spec/c/*'], []],
  ])('takes paths from the caller: %s', (_what, wanted, pointers) => {
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Fleet',
      spec: { a: [pod, pod], b: { x: pod, 'y/z': pod, w: 'none' }, c: 'text' },
    };
    const paths = new Map([['Fleet.example.com', wanted]]);
    expect(findObjects(object, paths)[0]?.pods.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test('paths from the caller take the place of those that are known', () => {
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', ...inSpec };
    expect(findObjects(object, new Map([['Deployment.apps', ['/spec/other']]]))[0]).toMatchObject({
      pods: [],
      without: { reason: 'has no pod at /spec/other/spec' },
    });
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
    expect(
      findObjects(list).map(({ name, namespace, kind, pods }) => [kind, name, namespace, pods[0]?.pointer]),
    ).toEqual([
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
    ['Service.serving.knative.dev=/spec/template', { key: 'Service.serving.knative.dev', path: '/spec/template' }],
    ['PodTemplate=/template', { key: 'PodTemplate', path: '/template' }],
    ['Train.example.com=/spec/cars/*/template', { key: 'Train.example.com', path: '/spec/cars/*/template' }],
  ])('reads %s', (text, expected) => {
    expect(readTemplatePath(text)).toEqual(expected);
  });

  test.each(['', 'Service', '=/a', 'Service=', 'Service=a', 'Service=/', 'Service=/a/', 'a b=/c', 'Service.=/a'])(
    'refuses %j',
    (text) => {
      expect(readTemplatePath(text)).toMatchObject({ problem: 'is not KIND=PATH' });
    },
  );

  test.each([
    ['RayCluster=/a', /such as RayCluster\.ray\.io=\/a$/],
    ['Fleet=/a', /such as Fleet\.agones\.dev=\/a$/],
    ['Unheard=/a', /such as Service\.serving\.knative\.dev=\/spec\/template$/],
  ])('refuses %s, which has no group', (text, remedy) => {
    expect(readTemplatePath(text)).toEqual({
      problem: 'names no API group',
      remedy: expect.stringMatching(remedy),
    });
  });
});
