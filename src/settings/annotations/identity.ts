import { effective, leftToOthers, readElsewhere, withoutEffect, type StandaloneRow } from '../annotation.ts';
import { labelValue, oneOf } from '../../grammar/grammar.ts';

/** By what names the pod is known. */
export const identity: readonly StandaloneRow[] = [
  effective({
    name: 'service.istio.io/workload-name',
    kind: 'label',
    grammar: labelValue,
    defaultText: 'the owner’s name: Deployment, Job, …',
    doc: 'The workload that the proxy says it belongs to, in its node and in the access log.',
    set: (draft, value) => void (draft.workloadName = value),
  }),
  ...(
    [
      [
        'service.istio.io/canonical-name',
        'The service’s name in metrics, before `app.kubernetes.io/name`, `app` and the workload’s name.',
      ],
      [
        'service.istio.io/canonical-revision',
        'The service’s revision in metrics, before `app.kubernetes.io/version` and `version`.',
      ],
      ['app.kubernetes.io/name', 'The application’s own; read for metrics, never changed.'],
      ['app', 'The application’s own; read for metrics, never changed.'],
      ['app.kubernetes.io/version', 'The application’s own; read for metrics, never changed.'],
      ['version', 'The application’s own; read for metrics, never changed.'],
    ] as const
  ).map(([name, doc]) => readElsewhere({ name, kind: 'label', allowed: 'a label’s value', defaultText: 'none', doc })),
  withoutEffect({
    name: 'security.istio.io/tlsMode',
    kind: 'label',
    grammar: oneOf('istio', 'disabled'),
    because: 'the proxy has no certificates of a mesh, so nothing becomes mutual TLS',
  }),
  withoutEffect({
    name: 'topology.istio.io/network',
    kind: 'label',
    grammar: labelValue,
    because: 'only a control plane routes between networks',
  }),
  withoutEffect({
    name: 'networking.istio.io/tunnel',
    kind: 'label',
    grammar: oneOf('http'),
    because: 'there is no HBONE tunnel without a mesh',
  }),
  ...(
    [
      [
        'istio.io/rev',
        'namespace label',
        'chooses a revision of another control plane; what only it selects is left alone',
      ],
      ['istio.io/rev', 'label', 'chooses a revision of another control plane; what only it selects is left alone'],
      ['resource.opentelemetry.io/service.namespace', 'annotation', 'is for OpenTelemetry’s own operator'],
      ['resource.opentelemetry.io/service.version', 'annotation', 'is for OpenTelemetry’s own operator'],
      ['resource.opentelemetry.io/service.instance.id', 'annotation', 'is for OpenTelemetry’s own operator'],
      ['kubectl.kubernetes.io/default-logs-container', 'annotation', 'is for kubectl'],
    ] as const
  ).map(([name, kind, whose]) => leftToOthers({ name, kind, whose })),
];
