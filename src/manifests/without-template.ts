/** Kinds that make pods without a pod template in the object, with the reason. Only the webhook sees their pods. */
interface WithoutTemplate {
  readonly group: string;
  readonly kinds: readonly string[];
  readonly because: string;
}

const steps = 'it describes containers of steps, from which its controller makes the pods';

export const withoutTemplate: readonly WithoutTemplate[] = [
  {
    group: 'argoproj.io',
    kinds: ['Workflow', 'WorkflowTemplate', 'CronWorkflow', 'ClusterWorkflowTemplate'],
    because: steps,
  },
  { group: 'tekton.dev', kinds: ['Task', 'ClusterTask', 'TaskRun', 'Pipeline', 'PipelineRun'], because: steps },
  {
    group: 'trainer.kubeflow.org',
    kinds: ['TrainJob'],
    because: 'its pods come from the TrainingRuntime that spec.runtimeRef names',
  },
  {
    group: 'kubeflow.org',
    kinds: ['Notebook'],
    because: 'its template has no metadata, which an injection needs',
  },
  {
    group: 'kubevirt.io',
    kinds: ['VirtualMachine', 'VirtualMachineInstance', 'VirtualMachineInstanceReplicaSet', 'VirtualMachinePool'],
    because: 'its template describes a virtual machine, for which its controller makes the pod',
  },
  { group: 'pool.kubevirt.io', kinds: ['VirtualMachinePool'], because: 'its template describes a virtual machine' },
  {
    group: 'apps.kruise.io',
    kinds: ['SidecarSet'],
    because: 'it describes containers that are added to the pods of others',
  },
  {
    group: 'serving.kserve.io',
    kinds: ['InferenceService'],
    because: 'it describes containers, from which its controller makes the pods',
  },
  {
    group: 'serving.knative.dev',
    kinds: ['Revision'],
    because: 'it is made from the template of a Service or Configuration',
  },
  { group: 'apps', kinds: ['ControllerRevision'], because: 'it is the history of another object' },
  { group: 'kueue.x-k8s.io', kinds: ['Workload'], because: 'it is a copy of the templates of another object' },
];
