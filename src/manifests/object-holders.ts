import { row, type TemplateSubject } from './pod-templates.ts';

/** Kinds that hold whole objects, each with its own kind. Lists of any kind hold them in `items`. */
export const holderSubjects: readonly TemplateSubject[] = [
  {
    title: 'OpenShift',
    rows: [
      row('template.openshift.io', 'Template', '/objects/*'),
      row('', 'Template', '/objects/*'),
      row('template.openshift.io', 'TemplateInstance', '/spec/template/objects/*'),
      row('hive.openshift.io', 'SyncSet SelectorSyncSet', '/spec/resources/*'),
    ],
  },
  {
    title: 'Open Cluster Management',
    rows: [
      row('work.open-cluster-management.io', 'ManifestWork', '/spec/workload/manifests/*'),
      row(
        'work.open-cluster-management.io',
        'ManifestWorkReplicaSet',
        '/spec/manifestWorkTemplate/workload/manifests/*',
      ),
      row('addon.open-cluster-management.io', 'AddOnTemplate', '/spec/agentSpec/workload/manifests/*'),
      row('policy.open-cluster-management.io', 'Policy', '/spec/policy-templates/*/objectDefinition'),
      row('policy.open-cluster-management.io', 'ConfigurationPolicy', '/spec/object-templates/*/objectDefinition'),
    ],
  },
  { title: 'Karmada', rows: [row('work.karmada.io', 'Work', '/spec/workload/manifests/*')] },
  {
    title: 'Crossplane',
    rows: [
      row('kubernetes.crossplane.io', 'Object', '/spec/forProvider/manifest'),
      row('apiextensions.crossplane.io', 'Composition', '/spec/resources/*/base'),
    ],
  },
  { title: 'KubeVela', rows: [row('core.oam.dev', 'Application', '/spec/components/*/properties/objects/*')] },
  {
    title: 'AppWrapper',
    rows: [
      row(
        'workload.codeflare.dev',
        'AppWrapper',
        '/spec/components/*/template',
        '/spec/resources/GenericItems/*/generictemplate',
      ),
    ],
  },
  { title: 'Katib', rows: [row('kubeflow.org', 'Experiment', '/spec/trialTemplate/trialSpec')] },
  { title: 'Argo Events', rows: [row('argoproj.io', 'Sensor', '/spec/triggers/*/template/k8s/source/resource')] },
];
