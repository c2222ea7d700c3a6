import type { Examples } from './example.ts';

const text = 'one line of text, at most 4096 characters';
const statistics = 'the proxy keeps a fixed set of statistics';

function idle(name: string, good: string, why: string, bad: string, message: string): Examples {
  return { [name]: { good, warning: `annotation "${name}" has no effect here: ${why}`, bad, message } };
}

/** A row of which nothing is known but that it is text. */
function idleText(name: string, why: string): Examples {
  const shown = String.raw`"a\nb"`;
  return idle(name, 'some text', why, 'a\nb', `${shown} is not allowed; allowed: ${text}`);
}

export const agent: Examples = {
  ...idle(
    'sidecar.istio.io/agentLogLevel',
    'default:info,ads:debug',
    'there is no agent beside the proxy',
    'default:loud',
    '"default:loud" is not allowed; allowed: a comma list of scope:level or one level, level one of none, fatal, error, warn, info, debug',
  ),
  ...idle(
    'sidecar.istio.io/proxyImageType',
    'distroless',
    'the image is one of the settings; sidecar.istio.io/proxyImage names another',
    'tiny',
    '"tiny" is not allowed; allowed: default, debug, distroless',
  ),
  'sidecar.istio.io/bootstrapOverride': {
    harmless: undefined,
    bad: 'my-bootstrap',
    message:
      'is not supported: the proxy’s configuration and the capture rules are made together, another one would loop or lose traffic; ask for what is missing by the other annotations, or by the settings',
  },
  'sidecar.istio.io/capNetBindService': {
    harmless: 'false',
    bad: 'true',
    message:
      'is not supported: the proxy never runs as root and has no capabilities; with capture it needs none for low ports; leave it out, the application’s own low ports are captured as any other',
  },
  'sidecar.istio.io/discoveryAddress': {
    harmless: undefined,
    bad: 'istiod.istio-system.svc:15012',
    message:
      'is not supported: the built-in proxy reads its configuration from no control plane; leave it out, or let the control plane’s own injector inject the pod (label istio.io/rev)',
  },
  ...idleText('sidecar.istio.io/statsInclusionPrefixes', statistics),
  ...idleText('sidecar.istio.io/statsInclusionSuffixes', statistics),
  ...idleText('sidecar.istio.io/statsInclusionRegexps', statistics),
  ...idleText('sidecar.istio.io/extraStatTags', statistics),
  ...idle(
    'sidecar.istio.io/statsHistogramBuckets',
    '{"istiocustom":[1,5,10]}',
    statistics,
    '[1,5,10]',
    'is JSON of another type; allowed: a JSON object',
  ),
  ...idle(
    'sidecar.istio.io/statsHistogramBins',
    '100',
    statistics,
    '0',
    '"0" is not allowed; allowed: an integer from 1 to 46082',
  ),
  ...idle(
    'sidecar.istio.io/statsFlushInterval',
    '1m30s',
    statistics,
    '5',
    '"5" is not allowed; allowed: a duration such as 45s or 1m30s, from 0 s to 86400 s',
  ),
  ...idle(
    'sidecar.istio.io/statsEvictionInterval',
    '10s',
    statistics,
    '48h',
    '"48h" is not allowed; allowed: a duration such as 45s or 1m30s, from 0 s to 86400 s',
  ),
  ...idle(
    'sidecar.istio.io/statsCompression',
    'true',
    'Prometheus is answered without compression',
    'gzip?',
    '"gzip?" is not allowed; allowed: true, false',
  ),
  ...idleText(
    'readiness.status.sidecar.istio.io/applicationPorts',
    'nobody reads it any more, Istio included; the application’s own readiness probe decides',
  ),
  ...idle(
    'apm.datadoghq.com/env',
    '{}',
    'the proxy has no tracer',
    'DD_ENV=x',
    'is no JSON; allowed: a JSON object or list',
  ),
  ...idleText('gateway.istio.io/agentgatewayImage', 'no gateways are made here'),
  ...idleText('istio.io/rev', 'it says which Istio revision injected a pod, and none has injected this one'),
  ...idle(
    'proxy.istio.io/overrides',
    '{"containers":[]}',
    'Istio’s injector writes it for itself; a container named istio-proxy in the pod is what overrides',
    'null',
    'is JSON of another type; allowed: a JSON object',
  ),
};
