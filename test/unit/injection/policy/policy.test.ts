import { standalone } from '../../../../src/injection/flavours/standalone/flavour.ts';
import { describe, expect, test } from '@jest/globals';
import { decidePolicy } from '../../../../src/injection/policy/policy.ts';
import { namespaceLabels, registrationEntriesFor, selectEntry } from '../../../../src/injection/policy/registration.ts';
import { matchesLabels } from '../../../../src/pod/label-selector.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { viewPod } from '../../../../src/pod/view.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const inject = 'sidecar.istio.io/inject';

interface PodParts {
  readonly labels?: JsonObject;
  readonly annotations?: JsonObject;
  readonly spec?: JsonObject;
}

function pod({ labels, annotations, spec }: PodParts = {}): JsonObject {
  return {
    metadata: { ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { containers: [{ name: 'app' }], ...spec },
  };
}

const label = (value: string): PodParts => ({ labels: { [inject]: value } });
const annotation = (value: string): PodParts => ({ annotations: { [inject]: value } });
const both = (labelValue: string, annotationValue: string): PodParts => ({
  ...label(labelValue),
  ...annotation(annotationValue),
});

const never = { neverInjectSelector: [{ matchLabels: { job: 'batch' } }] };
const always = { alwaysInjectSelector: [{ matchLabels: { mesh: 'yes' } }] };
const off = { policy: 'disabled' };

describe('the injection policy', () => {
  test.each<[string, PodParts, object, string, string]>([
    // policy alone
    ['nothing decides, policy enabled', {}, {}, 'inject', 'PolicyEnabled'],
    ['nothing decides, policy disabled', {}, off, 'skip', 'PolicyDisabled'],
    // the pod's wish wins over policy and selectors, its label over its annotation
    ['label true', label('true'), off, 'inject', 'OptedIn'],
    ['label false', label('false'), {}, 'skip', 'OptedOut'],
    ['annotation true', annotation('true'), off, 'inject', 'OptedIn'],
    ['annotation false', annotation('false'), {}, 'skip', 'OptedOut'],
    ['label true, annotation false', both('true', 'false'), {}, 'inject', 'OptedIn'],
    ['label false, annotation true', both('false', 'true'), {}, 'skip', 'OptedOut'],
    ['label true, never-inject matches', { labels: { [inject]: 'true', job: 'batch' } }, never, 'inject', 'OptedIn'],
    [
      'annotation true, never-inject matches',
      { labels: { job: 'batch' }, ...annotation('true') },
      never,
      'inject',
      'OptedIn',
    ],
    ['label false, always-inject matches', { labels: { [inject]: 'false', mesh: 'yes' } }, always, 'skip', 'OptedOut'],
    // anything else is refused
    ...['', 'True', 'TRUE', 'yes', 'enabled', ' true', '1'].map((value): [string, PodParts, object, string, string] => [
      `label ${JSON.stringify(value)}`,
      label(value),
      {},
      'deny',
      'InvalidInjectValue',
    ]),
    ['annotation ""', annotation(''), {}, 'deny', 'InvalidInjectValue'],
    ['label null', { labels: { [inject]: null } }, {}, 'deny', 'InvalidInjectValue'],
    ['a good label hides a bad annotation', both('true', 'maybe'), {}, 'inject', 'OptedIn'],
    // selectors
    ['never-inject matches', { labels: { job: 'batch' } }, never, 'skip', 'NeverInjectSelector'],
    ['never-inject does not match', { labels: { job: 'web' } }, never, 'inject', 'PolicyEnabled'],
    [
      'never and always match',
      { labels: { job: 'batch', mesh: 'yes' } },
      { ...never, ...always },
      'skip',
      'NeverInjectSelector',
    ],
    [
      'always-inject matches, policy disabled',
      { labels: { mesh: 'yes' } },
      { ...always, ...off },
      'inject',
      'AlwaysInjectSelector',
    ],
    ['always-inject does not match, policy disabled', {}, { ...always, ...off }, 'skip', 'PolicyDisabled'],
    ['an empty never-inject selector matches nothing', {}, { neverInjectSelector: [{}] }, 'inject', 'PolicyEnabled'],
    [
      'an empty always-inject selector matches nothing',
      {},
      { alwaysInjectSelector: [{}], ...off },
      'skip',
      'PolicyDisabled',
    ],
    [
      'the second of several selectors matches',
      { labels: { tier: 'x' } },
      {
        neverInjectSelector: [{ matchLabels: { a: 'b' } }, { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }],
      },
      'skip',
      'NeverInjectSelector',
    ],
    // never injected, whatever the pod asks for
    ['hostNetwork', { spec: { hostNetwork: true } }, {}, 'skip', 'HostNetwork'],
    ['hostNetwork, label true', { ...label('true'), spec: { hostNetwork: true } }, {}, 'skip', 'HostNetwork'],
    ['hostNetwork, bad label', { ...label('maybe'), spec: { hostNetwork: true } }, {}, 'skip', 'HostNetwork'],
    ['hostNetwork false', { spec: { hostNetwork: false } }, {}, 'inject', 'PolicyEnabled'],
    ['Windows by os', { spec: { os: { name: 'windows' } } }, {}, 'skip', 'WindowsPod'],
    [
      'Windows by node selector',
      { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by required affinity',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] },
                ],
              },
            },
          },
        },
      },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by every term of the affinity',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] },
                  { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'NotIn', values: ['linux'] }] },
                ],
              },
            },
          },
        },
      },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by the build that the affinity wants',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'node.kubernetes.io/windows-build', operator: 'Exists' }] },
                ],
              },
            },
          },
        },
      },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by options of the pod',
      { spec: { securityContext: { windowsOptions: { runAsUserName: 'x' } } } },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by options of a container',
      { spec: { containers: [{ name: 'app', securityContext: { windowsOptions: { runAsUserName: 'x' } } }] } },
      {},
      'skip',
      'WindowsPod',
    ],
    [
      'Windows by one term of the affinity alone',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] },
                  { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
                ],
              },
            },
          },
        },
      },
      {},
      'inject',
      'PolicyEnabled',
    ],
    [
      'Windows by affinity beside Linux',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows', 'linux'] }] },
                ],
              },
            },
          },
        },
      },
      {},
      'inject',
      'PolicyEnabled',
    ],
    [
      'Windows by options of a pod for Linux',
      {
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          securityContext: { windowsOptions: { runAsUserName: 'x' } },
        },
      },
      {},
      'inject',
      'PolicyEnabled',
    ],
    ['Windows by no options', { spec: { securityContext: { windowsOptions: {} } } }, {}, 'inject', 'PolicyEnabled'],
    [
      'Windows by preference alone',
      {
        spec: {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 1,
                  preference: { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] },
                },
              ],
            },
          },
        },
      },
      {},
      'inject',
      'PolicyEnabled',
    ],
    [
      'Istio’s proxy without its annotation',
      { spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'x', args: ['proxy', 'sidecar'] }] } },
      {},
      'skip',
      'ForeignProxy',
    ],
    [
      'Istio’s native proxy without its annotation',
      { spec: { initContainers: [{ name: 'istio-proxy', restartPolicy: 'Always', args: ['proxy', 'sidecar'] }] } },
      {},
      'skip',
      'ForeignProxy',
    ],
    [
      'Istio’s init container alone',
      { spec: { initContainers: [{ name: 'istio-init', image: 'x', command: ['/usr/local/bin/istio-iptables'] }] } },
      {},
      'skip',
      'ForeignProxy',
    ],
    [
      'Istio’s check of a node agent’s rules',
      { spec: { initContainers: [{ name: 'istio-validation', args: ['istio-iptables', '--run-validation'] }] } },
      {},
      'skip',
      'ForeignProxy',
    ],
    ['Linux by os', { spec: { os: { name: 'linux' } } }, {}, 'inject', 'PolicyEnabled'],
    ['mirror pod', { annotations: { 'kubernetes.io/config.mirror': 'x' } }, {}, 'skip', 'MirrorPod'],
    [
      'another mesh',
      { spec: { containers: [{ name: 'app' }, { name: 'linkerd-proxy' }] } },
      {},
      'skip',
      'ForeignProxy',
    ],
    ['another mesh, native', { spec: { initContainers: [{ name: 'kuma-sidecar' }] } }, {}, 'skip', 'ForeignProxy'],
    [
      "Istio's status",
      { annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"],"revision":"default"}' } },
      {},
      'skip',
      'ForeignStatus',
    ],
    ['a damaged status', { annotations: { 'sidecar.istio.io/status': '{' } }, {}, 'skip', 'ForeignStatus'],
  ])('%s', (_name, parts, injection, outcome, code) => {
    const { settings } = snapshotOf({ injection });
    const policy = decidePolicy(viewPod(pod(parts)), 'shop', settings, standalone);
    expect([policy.outcome, policy.reasons[0].code]).toEqual([outcome, code]);
  });

  test.each([
    ['kube-system', 'SystemNamespace'],
    ['kube-public', 'SystemNamespace'],
    ['kube-node-lease', 'SystemNamespace'],
    ['local-path-storage', 'SystemNamespace'],
    ['sidecar-injector-system', 'SystemNamespace'],
    ['cert-manager', 'ExcludedNamespace'],
    ['calico-system', 'ExcludedNamespace'],
    ['kube-flannel', 'ExcludedNamespace'],
    ['linkerd-viz', 'ExcludedNamespace'],
  ])('namespace %s is never injected, whatever the pod asks for', (namespace, code) => {
    const { settings } = snapshotOf();
    const policy = decidePolicy(viewPod(pod(label('true'))), namespace, settings, standalone);
    expect([policy.outcome, policy.reasons[0].code]).toEqual(['skip', code]);
  });

  test('the settings list of excluded namespaces takes wildcards and replaces the built-in one', () => {
    const { settings } = snapshotOf({ injection: { excludedNamespaces: ['team-*-batch'] } });
    const outcome = (namespace: string) => decidePolicy(viewPod(pod()), namespace, settings, standalone).outcome;
    expect(outcome('team-a-batch')).toBe('skip');
    expect(outcome('team-a')).toBe('inject');
    expect(outcome('cert-manager')).toBe('inject');
  });

  test.each([
    ['is not injected by the policy', {}],
    ['is not injected when it asks', { labels: { 'sidecar.istio.io/inject': 'true' } }],
    ['is not injected with an annotation that would be denied', { annotations: { 'sidecar.istio.io/inject': 'yes' } }],
  ] as [string, PodParts][])('while injection is paused, a pod %s', (_name, parts) => {
    const { settings } = snapshotOf();
    const paused = { ...settings, injection: { ...settings.injection, paused: true } };
    expect(decidePolicy(viewPod(pod(parts)), 'shop', paused, standalone)).toMatchObject({
      outcome: 'skip',
      reasons: [{ code: 'Paused' }],
    });
  });

  test('all reasons come back at once', () => {
    const { settings } = snapshotOf();
    const spec = { hostNetwork: true, os: { name: 'windows' }, containers: [{ name: 'linkerd-proxy' }] };
    const policy = decidePolicy(viewPod(pod({ spec })), 'kube-system', settings, standalone);
    expect(policy.reasons.map(({ code }) => code)).toEqual([
      'HostNetwork',
      'WindowsPod',
      'SystemNamespace',
      'ForeignProxy',
    ]);
  });
});

describe('webhook selectors', () => {
  const namespaceEntry = 'namespace.sidecar-injector.io';
  const objectEntry = 'object.sidecar-injector.io';
  const ignoring = (entry: string) => entry.replace('.', '-ignore.');
  // Rows: labels of the namespace. Columns: the pod without label, with inject=true, inject=false, inject=maybe.
  const rows: [string, Record<string, string>, (string | undefined)[]][] = [
    ['no label', {}, [undefined, objectEntry, undefined, undefined]],
    ['enabled', { 'istio-injection': 'enabled' }, [namespaceEntry, namespaceEntry, undefined, namespaceEntry]],
    ['disabled', { 'istio-injection': 'disabled' }, [undefined, undefined, undefined, undefined]],
    ['another value', { 'istio-injection': 'true' }, [undefined, undefined, undefined, undefined]],
    ['empty value', { 'istio-injection': '' }, [undefined, undefined, undefined, undefined]],
    ['a revision', { 'istio.io/rev': 'canary' }, [undefined, undefined, undefined, undefined]],
    [
      'enabled and a revision',
      { 'istio-injection': 'enabled', 'istio.io/rev': 'x' },
      [namespaceEntry, namespaceEntry, undefined, namespaceEntry],
    ],
    [
      'enabled, and Ignore',
      { 'istio-injection': 'enabled', 'sidecar-injector.io/failurePolicy': 'Ignore' },
      [ignoring(namespaceEntry), ignoring(namespaceEntry), undefined, ignoring(namespaceEntry)],
    ],
    [
      'enabled, and Fail',
      { 'istio-injection': 'enabled', 'sidecar-injector.io/failurePolicy': 'Fail' },
      [namespaceEntry, namespaceEntry, undefined, namespaceEntry],
    ],
    [
      'enabled, and a failure policy that does not exist',
      { 'istio-injection': 'enabled', 'sidecar-injector.io/failurePolicy': 'ignore' },
      [namespaceEntry, namespaceEntry, undefined, namespaceEntry],
    ],
    [
      'Ignore',
      { 'sidecar-injector.io/failurePolicy': 'Ignore' },
      [undefined, ignoring(objectEntry), undefined, undefined],
    ],
    [
      'enabled and paused',
      { 'istio-injection': 'enabled', 'sidecar-injector.io/paused': 'true' },
      [undefined, undefined, undefined, undefined],
    ],
    ['paused', { 'sidecar-injector.io/paused': 'true' }, [undefined, undefined, undefined, undefined]],
    [
      'enabled and paused: false',
      { 'istio-injection': 'enabled', 'sidecar-injector.io/paused': 'false' },
      [namespaceEntry, namespaceEntry, undefined, namespaceEntry],
    ],
  ];
  const pods = [pod(), pod(label('true')), pod(label('false')), pod(label('maybe'))];

  test.each(rows)('namespace with %s', (_name, labels, expected) => {
    const selected = pods.map((candidate) => {
      const selection = selectEntry({ ...labels, 'kubernetes.io/metadata.name': 'shop' }, candidate);
      return selection.called ? selection.entry : undefined;
    });
    expect(selected).toEqual(expected);
  });

  test.each(['kube-system', 'sidecar-injector-system'])('never calls for namespace %s', (name) => {
    const selection = selectEntry({ 'istio-injection': 'enabled', 'kubernetes.io/metadata.name': name }, pod());
    expect(selection.called).toBe(false);
  });

  test.each([
    ['hostNetwork', { spec: { hostNetwork: true } }, false],
    ['hostNetwork with the label', { ...label('true'), spec: { hostNetwork: true } }, true],
    ['a mirror pod', { annotations: { 'kubernetes.io/config.mirror': '' } }, false],
    ['a mirror pod with the label', { ...label('true'), annotations: { 'kubernetes.io/config.mirror': '' } }, true],
    ['an operating system', { spec: { os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'linux' } } }, true],
    ['Windows', { spec: { os: { name: 'windows' } } }, false],
    ['Windows with the label', { ...label('true'), spec: { os: { name: 'windows' } } }, true],
    ['nodes of Windows', { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } }, false],
    [
      'nodes of Windows with the label',
      { ...label('true'), spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } },
      true,
    ],
  ] as [string, PodParts, boolean][])('matchConditions: %s', (_name, parts, called) => {
    const labels = { 'istio-injection': 'enabled', 'kubernetes.io/metadata.name': 'shop' };
    expect(selectEntry(labels, pod(parts)).called).toBe(called);
  });

  describe('a default of', () => {
    const values = [undefined, 'Fail', 'Ignore', 'fail', ''] as const;
    test.each([
      ['Fail', ['Fail', 'Fail', 'Ignore', 'Fail', 'Fail']],
      ['Ignore', ['Ignore', 'Fail', 'Ignore', 'Ignore', 'Ignore']],
    ] as const)('%s: each namespace has one entry, of its own policy', (byDefault, expected) => {
      const entries = registrationEntriesFor(byDefault);
      const policies = values.map((value) => {
        const labels = {
          'istio-injection': 'enabled',
          ...(value !== undefined && { [namespaceLabels.failurePolicy]: value }),
        };
        return entries
          .filter(({ namespaceSelector }) => matchesLabels(namespaceSelector, labels))
          .map(({ failurePolicy }) => failurePolicy);
      });
      expect(policies).toEqual(expected.map((policy) => [policy]));
    });
  });

  test('says why nothing is called, for each entry', () => {
    const selection = selectEntry({ 'kubernetes.io/metadata.name': 'shop' }, pod());
    expect(selection).toEqual({
      called: false,
      reasons: [
        'entry namespace.sidecar-injector.io does not match: it requires that the namespace\'s label istio-injection is "enabled"; it is absent',
        'entry object.sidecar-injector.io does not match: it requires that the pod\'s label sidecar.istio.io/inject is "true"; it is absent',
      ],
    });
  });
});
