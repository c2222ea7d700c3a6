import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { holderSubjects } from '../../../src/manifests/object-holders.ts';
import { templateSubjects, type TemplateRow } from '../../../src/manifests/pod-templates.ts';
import { withoutTemplate } from '../../../src/manifests/without-template.ts';
import { findObjects } from '../../../src/manifests/workloads.ts';

const pod = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'b' }] } };

/** The value at the end of a path; `*` makes a list of two. */
function along(path: string, value: Json): Json {
  return path
    .split('/')
    .slice(1)
    .toReversed()
    .reduce<Json>((inner, token) => (token === '*' ? [inner, inner] : { [token]: inner }), value);
}

function twiceForEachStar<T>(path: string, value: T): T[] {
  return Array.from({ length: 2 ** (path.split('*').length - 1) }, () => value);
}

function objectOf(row: TemplateRow, kind: string, path: string, value: Json): JsonObject {
  const apiVersion = row.group === '' ? 'v1' : `${row.group}/v1`;
  return { apiVersion, kind, ...(along(path, value) as JsonObject) };
}

const cases = (subjects: typeof templateSubjects) =>
  subjects.flatMap(({ rows }) =>
    rows.flatMap((row) => row.kinds.flatMap((kind) => row.paths.map((path) => ({ row, kind, path })))),
  );

/** Written by hand from the projects' own types, so that a slip in the table is seen. */
test.each<[string, string, JsonObject, readonly string[]]>([
  [
    'kubeflow.org/v1',
    'TFJob',
    { tfReplicaSpecs: { PS: { template: pod }, Worker: { replicas: 2, template: pod }, Chief: {} } },
    ['/spec/tfReplicaSpecs/PS/template', '/spec/tfReplicaSpecs/Worker/template'],
  ],
  [
    'kubeflow.org/v2beta1',
    'MPIJob',
    { mpiReplicaSpecs: { Launcher: { template: pod } } },
    ['/spec/mpiReplicaSpecs/Launcher/template'],
  ],
  [
    'ray.io/v1',
    'RayCluster',
    { headGroupSpec: { template: pod }, workerGroupSpecs: [{ template: pod }, { template: pod }] },
    ['/spec/headGroupSpec/template', '/spec/workerGroupSpecs/0/template', '/spec/workerGroupSpecs/1/template'],
  ],
  [
    'ray.io/v1',
    'RayService',
    { rayClusterConfig: { headGroupSpec: { template: pod }, workerGroupSpecs: [] } },
    ['/spec/rayClusterConfig/headGroupSpec/template'],
  ],
  [
    'jobset.x-k8s.io/v1alpha2',
    'JobSet',
    { replicatedJobs: [{ name: 'a', template: { spec: { template: pod } } }] },
    ['/spec/replicatedJobs/0/template/spec/template'],
  ],
  [
    'leaderworkerset.x-k8s.io/v1',
    'LeaderWorkerSet',
    { leaderWorkerTemplate: { size: 4, workerTemplate: pod } },
    ['/spec/leaderWorkerTemplate/workerTemplate'],
  ],
  ['batch.volcano.sh/v1alpha1', 'Job', { tasks: [{ template: pod }] }, ['/spec/tasks/0/template']],
  [
    'flink.apache.org/v1beta1',
    'FlinkDeployment',
    { podTemplate: pod, taskManager: { podTemplate: pod } },
    ['/spec/podTemplate', '/spec/taskManager/podTemplate'],
  ],
  [
    'apps.kruise.io/v1alpha1',
    'AdvancedCronJob',
    { template: { broadcastJobTemplate: { spec: { template: pod } } } },
    ['/spec/template/broadcastJobTemplate/spec/template'],
  ],
  [
    'apps.kruise.io/v1alpha1',
    'UnitedDeployment',
    { template: { advancedStatefulSetTemplate: { spec: { template: pod } } } },
    ['/spec/template/advancedStatefulSetTemplate/spec/template'],
  ],
  ['keda.sh/v1alpha1', 'ScaledJob', { jobTargetRef: { template: pod } }, ['/spec/jobTargetRef/template']],
  ['agones.dev/v1', 'Fleet', { template: { spec: { template: pod } } }, ['/spec/template/spec/template']],
  [
    'machinelearning.seldon.io/v1',
    'SeldonDeployment',
    { predictors: [{ componentSpecs: [pod] }] },
    ['/spec/predictors/0/componentSpecs/0'],
  ],
  [
    'argoproj.io/v1alpha1',
    'AnalysisTemplate',
    { metrics: [{ provider: { prometheus: {} } }, { provider: { job: { spec: { template: pod } } } }] },
    ['/spec/metrics/1/provider/job/spec/template'],
  ],
  ['actions.summerwind.dev/v1alpha1', 'RunnerDeployment', { template: pod }, ['/spec/template']],
  ['serving.knative.dev/v1', 'Service', { template: pod }, ['/spec/template']],
  ['apps.openshift.io/v1', 'DeploymentConfig', { template: pod }, ['/spec/template']],
])('%s %s has its templates where its type says', (apiVersion, kind, spec, pointers) => {
  expect(findObjects({ apiVersion, kind, spec }).flatMap(({ pods }) => pods.map(({ pointer }) => pointer))).toEqual(
    pointers,
  );
});

describe('every row of the tables', () => {
  test.each(cases(templateSubjects))('$kind: $path', ({ row, kind, path }) => {
    const [found] = findObjects(objectOf(row, kind, path, pod));
    expect(found?.pods.map(({ value }) => value.spec)).toEqual(twiceForEachStar(path, pod.spec));
  });

  test.each(cases(holderSubjects))('$kind holds objects: $path', ({ row, kind, path }) => {
    const inner = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' } };
    const held = { ...inner, spec: { template: pod } };
    const found = findObjects(objectOf(row, kind, path, held));
    const expected: unknown = expect.objectContaining({ kind: 'Deployment', name: 'd', namespace: 'n' });
    expect(found).toEqual(twiceForEachStar(path, expected));
    expect(found.every(({ pods, pointer }) => pods[0]?.pointer === `${pointer}/spec/template`)).toBe(true);
  });

  test('no kind is in two rows', () => {
    const keys = [templateSubjects, holderSubjects]
      .flatMap((subjects) => subjects.flatMap(({ rows }) => rows))
      .concat(withoutTemplate.map(({ group, kinds }) => ({ group, kinds, paths: [] })))
      .flatMap(({ group, kinds }) => kinds.map((kind) => `${kind}.${group}`));
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });
});

test.each([
  ['argoproj.io/v1alpha1', 'Workflow', /describes containers of steps/],
  ['tekton.dev/v1', 'Task', /describes containers of steps/],
  ['monitoring.coreos.com/v1', 'Prometheus', /containers beside those of its controller/],
  ['kubevirt.io/v1', 'VirtualMachine', /virtual machine/],
  ['trainer.kubeflow.org/v1alpha1', 'TrainJob', /spec\.runtimeRef/],
])('%s %s makes pods that only the webhook sees', (apiVersion, kind, because) => {
  const [found] = findObjects({ apiVersion, kind, spec: { templates: [{ container: {} }], template: pod } });
  expect(found).toMatchObject({ pods: [], without: { makesPods: true } });
  expect(found?.without?.reason).toMatch(because);
});

test('lists hold lists, and what holds objects holds what holds objects', () => {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: pod } };
  const list = { apiVersion: 'v1', kind: 'List', items: [deployment] };
  const work = { apiVersion: 'work.open-cluster-management.io/v1', kind: 'ManifestWork' };
  const manifests = { spec: { workload: { manifests: [list, { kind: 'ConfigMap' }] } } };
  const found = findObjects({ apiVersion: 'v1', kind: 'List', items: [{ ...work, ...manifests }] });
  expect(found.map(({ kind, pods }) => [kind, pods[0]?.pointer])).toEqual([
    ['Deployment', '/items/0/spec/workload/manifests/0/items/0/spec/template'],
    ['ConfigMap', undefined],
  ]);
});

test.each<[string, string, JsonObject]>([
  ['flink.apache.org/v1beta1', 'FlinkDeployment', { podTemplate: { spec: { volumes: [] } } }],
  ['actions.summerwind.dev/v1alpha1', 'RunnerDeployment', { template: { spec: { repository: 'a/b' } } }],
  ['kibana.k8s.elastic.co/v1', 'Kibana', { podTemplate: { spec: { containers: [] } } }],
  ['sparkoperator.k8s.io/v1beta2', 'SparkApplication', { driver: { cores: 1 } }],
])('%s %s without containers is left to the webhook', (apiVersion, kind, spec) => {
  const [found] = findObjects({ apiVersion, kind, spec });
  expect(found).toMatchObject({ pods: [], without: { makesPods: true } });
  expect(found?.without?.reason).toMatch(/its controller adds them, and only the webhook sees its pods$/);
});
