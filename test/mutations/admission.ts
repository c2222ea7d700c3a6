import type { Edit } from './edit.ts';

const handler = { file: 'src/admission/handler.ts', tests: ['test/unit/admission/handler.test.ts'] };
const review = { file: 'src/admission/review.ts', tests: ['test/unit/admission/review.test.ts'] };
const registration = { tests: ['test/unit/deploy/registration.test.ts'] };

/** What is taken for a review, and what comes of a failure. */
export const admission: readonly Edit[] = [
  {
    protects: 'only the creation of pods is looked at',
    ...handler,
    text: "request.operation === 'CREATE' && ",
    replacement: '',
  },
  {
    protects: 'a subresource of a pod is no pod',
    ...handler,
    text: " && request.subResource === ''",
    replacement: '',
  },
  {
    protects: 'a failure refuses the pod where the settings say so',
    ...handler,
    text: "settings.injection.onInvalidPatch === 'deny'",
    replacement: "settings.injection.onInvalidPatch !== 'deny'",
  },
  {
    protects: 'another version of the review is refused',
    ...review,
    text: 'apiVersion !== reviewVersion || ',
    replacement: '',
  },
  {
    protects: 'a review without a uid is refused',
    ...review,
    text: "if (uid === undefined || uid === '') return",
    replacement: 'if (uid === undefined) return',
  },
  {
    protects: 'system namespaces are never asked about',
    file: 'src/injection/policy/registration.ts',
    text: "  { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: systemNamespaces },\n",
    replacement: '',
    ...registration,
  },
  {
    protects: 'a paused namespace is never asked about',
    file: 'src/injection/policy/registration.ts',
    text: "  { key: namespaceLabels.paused, operator: 'NotIn', values: ['true'] },\n",
    replacement: '',
    ...registration,
  },
  {
    protects: 'a namespace has one failure policy',
    file: 'src/injection/policy/registration.ts',
    text: "operator: policy === other ? 'In' : 'NotIn'",
    replacement: "operator: 'NotIn'",
    ...registration,
  },
  {
    protects: 'the shipped NetworkPolicy is among the manifests',
    file: 'deploy/base/kustomization.yaml',
    text: '  - network-policy.yaml\n',
    replacement: '',
    tests: ['test/unit/deploy/base.test.ts'],
  },
  {
    protects: 'metrics are for pods of the cluster',
    file: 'deploy/base/network-policy.yaml',
    text: '      from:\n        - namespaceSelector: {}\n',
    replacement: '',
    tests: ['test/unit/deploy/network-policy.test.ts'],
  },
  {
    protects: 'the injector’s root file system is read-only',
    file: 'deploy/base/deployment.yaml',
    text: 'readOnlyRootFilesystem: true',
    replacement: 'readOnlyRootFilesystem: false',
    tests: ['test/unit/deploy/base.test.ts'],
  },
  {
    protects: 'the injector reads one Secret alone',
    file: 'deploy/install.yaml',
    text: '  resourceNames:\n  - sidecar-injector-ca\n',
    replacement: '',
    tests: ['test/unit/deploy/install.test.ts'],
  },
];
