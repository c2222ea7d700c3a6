/** Kinds without a pod template that an injection could be written into, with the reason. */
interface WithoutTemplate {
  readonly group: string;
  readonly kinds: readonly string[];
  readonly because: string;
  /** Whether pods are made of the object itself; only the webhook sees them. */
  readonly makesPods: boolean;
}

const steps = 'it describes containers of steps, from which its controller makes the pods';

export const withoutTemplate: readonly WithoutTemplate[] = [
  {
    group: 'argoproj.io',
    kinds: ['Workflow', 'WorkflowTemplate', 'CronWorkflow', 'ClusterWorkflowTemplate'],
    because: steps,
    makesPods: true,
  },
  {
    group: 'tekton.dev',
    kinds: ['Task', 'ClusterTask', 'TaskRun', 'Pipeline', 'PipelineRun'],
    because: steps,
    makesPods: true,
  },
  {
    group: 'trainer.kubeflow.org',
    kinds: ['TrainJob'],
    because: 'its pods come from the TrainingRuntime that spec.runtimeRef names',
    makesPods: true,
  },
  {
    group: 'kubeflow.org',
    kinds: ['Notebook'],
    because: 'its template has no metadata, which an injection needs',
    makesPods: true,
  },
  {
    group: 'kubevirt.io',
    kinds: ['VirtualMachine', 'VirtualMachineInstance', 'VirtualMachineInstanceReplicaSet'],
    because: 'its template describes a virtual machine, for which its controller makes the pod',
    makesPods: true,
  },
  {
    group: 'pool.kubevirt.io',
    kinds: ['VirtualMachinePool'],
    because: 'its template describes a virtual machine',
    makesPods: true,
  },
  {
    group: 'apps.kruise.io',
    kinds: ['SidecarSet'],
    because: 'it describes containers that are added to the pods of others',
    makesPods: false,
  },
  {
    group: 'serving.kserve.io',
    kinds: ['InferenceService'],
    because: 'it describes containers, from which its controller makes the pods',
    makesPods: true,
  },
  {
    group: 'monitoring.coreos.com',
    kinds: ['Prometheus', 'PrometheusAgent', 'Alertmanager', 'ThanosRuler'],
    because: 'it describes containers beside those of its controller, which makes the pods',
    makesPods: true,
  },
  {
    group: 'serving.knative.dev',
    kinds: ['Revision'],
    because: 'it is made from the template of a Service or Configuration',
    makesPods: false,
  },
  { group: 'apps', kinds: ['ControllerRevision'], because: 'it is the history of another object', makesPods: false },
  {
    group: 'kueue.x-k8s.io',
    kinds: ['Workload'],
    because: 'it is a copy of the templates of another object',
    makesPods: false,
  },
];
