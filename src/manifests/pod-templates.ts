/**
 * Kinds of one API group that have pod templates. A path is a JSON Pointer in the object; `*` stands for every item of a
 * list or every member of a map. The group of the core API is empty.
 */
export interface TemplateRow {
  readonly group: string;
  readonly kinds: readonly string[];
  readonly paths: readonly string[];
  /** What else an injected object of these kinds needs, told with every injection. */
  readonly caution?: string;
  /** Whether the template is only a part of the pod, to which the controller adds the rest. */
  readonly isPartial?: boolean;
}

/** Kinds of one project. */
export interface TemplateSubject {
  readonly title: string;
  readonly rows: readonly TemplateRow[];
}

/** One row of the tables; the kinds are separated by spaces. */
export function row(group: string, kinds: string, ...paths: readonly string[]): TemplateRow {
  return { group, kinds: kinds.split(' '), paths };
}

/** A row of kinds whose controller adds to the template, perhaps even the containers. */
function partial(group: string, kinds: string, ...paths: readonly string[]): TemplateRow {
  const caution = 'its controller adds to the pod what the template lacks; probes and ports of that are unknown here';
  return { ...row(group, kinds, ...paths), caution, isPartial: true };
}

function below(parents: readonly string[], ...paths: readonly string[]): string[] {
  return parents.flatMap((parent) => paths.map((path) => parent + path));
}

const template = '/spec/template';
const nestedTemplate = '/spec/template/spec/template';
const rayGroups = ['/headGroupSpec/template', '/workerGroupSpecs/*/template'];
const flinkTemplates = ['/podTemplate', '/jobManager/podTemplate', '/taskManager/podTemplate'];
const sparkPods = ['/driver/template', '/executor/template'];
const elastic = 'k8s.elastic.co';
const elasticAgents = ['/spec/daemonSet/podTemplate', '/spec/deployment/podTemplate'];

/**
 * The kinds whose pod templates are known, in any version. Each path leads to a template with metadata and spec, whose
 * metadata the controller gives to its pods: the annotations of an injection have to reach the pod.
 */
export const templateSubjects: readonly TemplateSubject[] = [
  {
    title: 'Kubernetes',
    rows: [
      row('', 'Pod', ''),
      row('', 'PodTemplate', '/template'),
      row('', 'ReplicationController', template),
      row('apps', 'Deployment DaemonSet ReplicaSet StatefulSet', template),
      row('extensions', 'Deployment DaemonSet ReplicaSet StatefulSet', template),
      row('batch', 'Job', template),
      row('batch', 'CronJob', '/spec/jobTemplate/spec/template'),
    ],
  },
  {
    title: 'OpenShift',
    rows: [row('apps.openshift.io', 'DeploymentConfig', template), row('', 'DeploymentConfig', template)],
  },
  {
    title: 'Operator Lifecycle Manager',
    rows: [row('operators.coreos.com', 'ClusterServiceVersion', '/spec/install/spec/deployments/*/spec/template')],
  },
  {
    title: 'Argo Rollouts',
    rows: [
      row('argoproj.io', 'Rollout', template),
      row('argoproj.io', 'Experiment', '/spec/templates/*/template'),
      row(
        'argoproj.io',
        'AnalysisTemplate ClusterAnalysisTemplate AnalysisRun',
        '/spec/metrics/*/provider/job/spec/template',
      ),
    ],
  },
  {
    title: 'Knative',
    rows: [
      {
        ...row('serving.knative.dev', 'Service Configuration', template),
        caution:
          'Knative takes init containers and NET_ADMIN only with its features kubernetes.podspec-init-containers and kubernetes.containerspec-addcapabilities',
      },
    ],
  },
  {
    title: 'OpenKruise',
    rows: [
      row('apps.kruise.io', 'CloneSet StatefulSet DaemonSet BroadcastJob', template),
      row(
        'apps.kruise.io',
        'AdvancedCronJob',
        ...below(['/spec/template'], '/jobTemplate/spec/template', '/broadcastJobTemplate/spec/template'),
      ),
      row(
        'apps.kruise.io',
        'UnitedDeployment',
        ...['statefulSet', 'advancedStatefulSet', 'cloneSet', 'deployment'].map(
          (kind) => `/spec/template/${kind}Template/spec/template`,
        ),
      ),
    ],
  },
  {
    title: 'OpenYurt',
    rows: [
      row(
        'apps.openyurt.io',
        'YurtAppSet',
        ...below(
          ['/spec/workload/workloadTemplate', '/spec/workloadTemplate'],
          '/deploymentTemplate/spec/template',
          '/statefulSetTemplate/spec/template',
        ),
      ),
      row('apps.openyurt.io', 'YurtAppDaemon', '/spec/workloadTemplate/deploymentTemplate/spec/template'),
    ],
  },
  { title: 'TiDB', rows: [row('apps.pingcap.com', 'StatefulSet', template)] },
  { title: 'KEDA', rows: [row('keda.sh', 'ScaledJob', '/spec/jobTargetRef/template')] },
  {
    title: 'JobSet, LeaderWorkerSet',
    rows: [
      row('jobset.x-k8s.io', 'JobSet', '/spec/replicatedJobs/*/template/spec/template'),
      row(
        'leaderworkerset.x-k8s.io',
        'LeaderWorkerSet',
        ...below(['/spec/leaderWorkerTemplate'], '/leaderTemplate', '/workerTemplate'),
      ),
    ],
  },
  {
    title: 'Kubeflow',
    rows: [
      row('kubeflow.org', 'PyTorchJob', '/spec/pytorchReplicaSpecs/*/template'),
      row('kubeflow.org', 'TFJob', '/spec/tfReplicaSpecs/*/template'),
      row('kubeflow.org', 'MPIJob', '/spec/mpiReplicaSpecs/*/template'),
      row('kubeflow.org', 'XGBoostJob', '/spec/xgbReplicaSpecs/*/template'),
      row('kubeflow.org', 'PaddleJob', '/spec/paddleReplicaSpecs/*/template'),
      row('kubeflow.org', 'MXJob', '/spec/mxReplicaSpecs/*/template'),
      row('kubeflow.org', 'JAXJob', '/spec/jaxReplicaSpecs/*/template'),
      row(
        'trainer.kubeflow.org',
        'TrainingRuntime ClusterTrainingRuntime',
        '/spec/template/spec/replicatedJobs/*/template/spec/template',
      ),
    ],
  },
  {
    title: 'KubeRay',
    rows: [
      row('ray.io', 'RayCluster', ...below(['/spec'], ...rayGroups)),
      row('ray.io', 'RayJob', ...below(['/spec/rayClusterSpec'], ...rayGroups), '/spec/submitterPodTemplate'),
      row('ray.io', 'RayService', ...below(['/spec/rayClusterConfig'], ...rayGroups)),
      row(
        'ray.io',
        'RayCronJob',
        ...below(['/spec/jobTemplate/rayClusterSpec'], ...rayGroups),
        '/spec/jobTemplate/submitterPodTemplate',
      ),
    ],
  },
  {
    title: 'Volcano',
    rows: [
      row('batch.volcano.sh', 'Job', '/spec/tasks/*/template'),
      row('batch.volcano.sh', 'CronJob', '/spec/jobTemplate/spec/tasks/*/template'),
      row('flow.volcano.sh', 'JobTemplate', '/spec/tasks/*/template'),
    ],
  },
  {
    title: 'Flink',
    rows: [
      partial('flink.apache.org', 'FlinkDeployment', ...below(['/spec'], ...flinkTemplates)),
      partial('flink.apache.org', 'FlinkBlueGreenDeployment', ...below(['/spec/template/spec'], ...flinkTemplates)),
    ],
  },
  {
    title: 'Spark',
    rows: [
      partial('sparkoperator.k8s.io', 'SparkApplication', ...below(['/spec'], ...sparkPods)),
      partial('sparkoperator.k8s.io', 'ScheduledSparkApplication', ...below(['/spec/template'], ...sparkPods)),
      partial('sparkoperator.k8s.io', 'SparkConnect', '/spec/server/template', '/spec/executor/template'),
      partial(
        'spark.apache.org',
        'SparkApplication',
        ...below(['/spec'], '/driverSpec/podTemplateSpec', '/executorSpec/podTemplateSpec'),
      ),
      partial(
        'spark.apache.org',
        'SparkCluster',
        ...below(['/spec'], '/masterSpec/statefulSetSpec/template', '/workerSpec/statefulSetSpec/template'),
      ),
    ],
  },
  {
    title: 'Agones',
    rows: [row('agones.dev', 'GameServer', template), row('agones.dev', 'Fleet GameServerSet', nestedTemplate)],
  },
  {
    title: 'Seldon',
    rows: [partial('machinelearning.seldon.io', 'SeldonDeployment', '/spec/predictors/*/componentSpecs/*')],
  },
  {
    title: 'GitHub Actions runners',
    rows: [
      partial('actions.summerwind.dev', 'RunnerDeployment RunnerReplicaSet RunnerSet', template),
      row('actions.github.com', 'AutoscalingRunnerSet', template, '/spec/listenerTemplate'),
      row('actions.github.com', 'EphemeralRunnerSet', '/spec/ephemeralRunnerSpec'),
    ],
  },
  {
    title: 'Elastic',
    rows: [
      partial(`elasticsearch.${elastic}`, 'Elasticsearch', '/spec/nodeSets/*/podTemplate'),
      partial(`kibana.${elastic}`, 'Kibana', '/spec/podTemplate'),
      partial(`apm.${elastic}`, 'ApmServer', '/spec/podTemplate'),
      partial(`logstash.${elastic}`, 'Logstash', '/spec/podTemplate'),
      partial(`enterprisesearch.${elastic}`, 'EnterpriseSearch', '/spec/podTemplate'),
      partial(`maps.${elastic}`, 'ElasticMapsServer', '/spec/podTemplate'),
      partial(`beat.${elastic}`, 'Beat', ...elasticAgents),
      partial(`agent.${elastic}`, 'Agent', ...elasticAgents, '/spec/statefulSet/podTemplate'),
    ],
  },
  {
    title: 'Other operators',
    rows: [
      partial('postgresql.cnpg.io', 'Pooler', template),
      partial('cassandra.datastax.com', 'CassandraDatacenter', '/spec/podTemplateSpec'),
      partial('rabbitmq.com', 'RabbitmqCluster', '/spec/override/statefulSet/spec/template'),
      row('clickhouse.altinity.com', 'ClickHouseInstallation', '/spec/templates/podTemplates/*'),
      partial('grafana.integreatly.org', 'Grafana', '/spec/deployment/spec/template'),
      partial('k8s.keycloak.org', 'Keycloak', '/spec/unsupported/podTemplate'),
      partial('pkg.crossplane.io', 'DeploymentRuntimeConfig', '/spec/deploymentTemplate/spec/template'),
      row('agents.x-k8s.io', 'Sandbox', '/spec/podTemplate'),
      row('extensions.agents.x-k8s.io', 'SandboxTemplate', '/spec/podTemplate'),
    ],
  },
  {
    title: 'KubeFed',
    rows: [
      row(
        'types.kubefed.io',
        'FederatedDeployment FederatedDaemonSet FederatedReplicaSet FederatedStatefulSet FederatedJob',
        nestedTemplate,
      ),
    ],
  },
];
