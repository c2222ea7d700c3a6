import { annotationNames as names } from '../../pod/annotation-names.ts';
import { ignored, leftToOthers, readElsewhere, supported, type AnnotationRow } from '../annotation.ts';
import { labelValue, oneOf, plainText } from '../../grammar/grammar.ts';

/** A label that metrics are named after. */
function inMetrics(name: string, doc: string, note = ''): AnnotationRow {
  return readElsewhere({ name, kind: 'label', allowed: 'a label’s value', defaultText: 'none', doc, istiod: { note } });
}

/** A label of the application that metrics are named after when Istio's own is missing. */
function ofApplication(name: string): AnnotationRow {
  return inMetrics(name, 'The application’s own; read for metrics, never changed.');
}

/** An annotation of OpenTelemetry's operator. */
function ofOpenTelemetry(name: string): AnnotationRow {
  const note = 'part of `OTEL_RESOURCE_ATTRIBUTES`, where a provider of the mesh asks for it';
  return leftToOthers({ name, whose: 'is for OpenTelemetry’s own operator', istiod: { grammar: plainText, note } });
}

const otherRevision = 'chooses a revision of another control plane; what only it selects is left alone';

/** The names under which the pod's workload and service are known. */
const noMesh = 'the proxy has no certificates of a mesh, so nothing becomes mutual TLS';

export const identity: readonly AnnotationRow[] = [
  supported({
    name: names.workloadName,
    kind: 'label',
    grammar: labelValue,
    defaultText: 'the owner’s name: Deployment, Job, …',
    doc: 'The workload that the proxy says it belongs to, in its node and in the access log.',
    set: (draft, value) => void (draft.workloadName = value),
  }),
  inMetrics(
    names.canonicalName,
    'The service’s name in metrics, before `app.kubernetes.io/name`, `app` and the workload’s name.',
    'written from the labels below, else the workload’s name',
  ),
  inMetrics(
    names.canonicalRevision,
    'The service’s revision in metrics, before `app.kubernetes.io/version` and `version`.',
    'written from the labels below, else `latest`',
  ),
  ofApplication(names.applicationName),
  ofApplication('app'),
  ofApplication(names.applicationVersion),
  ofApplication('version'),
  supported({
    name: names.tlsMode,
    kind: 'label',
    grammar: oneOf('istio', 'disabled'),
    defaultText: 'written in mode mesh: `istio`',
    doc: 'With `disabled`, the proxies of a mesh call the pod in plain text. Without effect, and with a warning, outside mode mesh.',
    set: ({ mesh }) =>
      mesh === undefined ? [{ warning: `label "${names.tlsMode}" has no effect here: ${noMesh}` }] : [],
    istiod: { note: 'the pod’s own value stays, else `istio` is written' },
  }),
  ignored({
    name: names.network,
    kind: 'label',
    grammar: labelValue,
    because: 'only a control plane routes between networks',
    istiod: { note: 'the proxy’s network, above the address and the values' },
  }),
  ignored({
    name: names.tunnel,
    kind: 'label',
    grammar: oneOf('http'),
    because: 'there is no HBONE tunnel without a mesh',
    istiod: { note: 'written with proxyMetadata `ISTIO_META_ENABLE_HBONE`, unless the pod has it' },
  }),
  leftToOthers({ name: names.revision, kind: 'namespace label', whose: otherRevision }),
  leftToOthers({ name: names.revision, kind: 'label', whose: otherRevision }),
  ofOpenTelemetry(names.otelNamespace),
  ofOpenTelemetry(names.otelVersion),
  ofOpenTelemetry(names.otelInstance),
  leftToOthers({
    name: names.defaultLogsContainer,
    whose: 'is for kubectl',
    istiod: { note: 'written: the first container of the application' },
  }),
];
