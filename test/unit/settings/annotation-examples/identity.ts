import { selectEntry } from '../../../../src/injection/policy/registration.ts';
import { viewPod } from '../../../../src/pod/view.ts';
import { serviceOf } from '../../../../src/pod/workload.ts';
import { decideOn, podWith } from '../../../support/builders/decisions.ts';
import type { Example, Examples } from './example.ts';

const name = 'a label’s value: 1 to 63 of A-Z a-z 0-9 - _ . with a letter or digit at both ends';

function idle(key: string, good: string, why: string, allowed = name): Examples {
  return {
    [`label ${key}`]: {
      good,
      warning: `label "${key}" has no effect here: ${why}`,
      bad: '-',
      message: `"-" is not allowed; allowed: ${allowed}`,
    },
  };
}

/** Somebody else's: the decision is the same with it as without, whatever it says. */
function others(kind: 'annotation' | 'label', key: string): Examples {
  const place = kind === 'label' ? 'labels' : 'annotations';
  const shown = (values: object | undefined) => {
    const { patch, warnings } = decideOn(podWith({ [place]: values }));
    return { patch, warnings };
  };
  const plain = shown({ 'example.com/x': 'y' });
  const example: Example = {
    elsewhere: [() => shown({ [key]: 'v1' }), plain, () => shown({ [key]: ' ?! ' }), plain],
  };
  return { [kind === 'label' ? `label ${key}` : key]: example };
}

/** Read for metrics; the pod's service without it is named by its workload, `web`. */
function inMetrics(key: string, field: keyof ReturnType<typeof serviceOf>): Examples {
  const workload = { apiVersion: 'v1', kind: 'Pod', name: 'web' };
  const read = (value: string) => serviceOf(viewPod(podWith({ labels: { [key]: value } })), workload)[field];
  const otherwise = serviceOf(viewPod(podWith()), workload)[field];
  return { [`label ${key}`]: { elsewhere: [() => read('shop'), 'shop', () => read(''), otherwise] } };
}

export const identity: Examples = {
  'label service.istio.io/workload-name': {
    good: 'shop.web',
    effect: ({ workloadName }) => workloadName,
    value: 'shop.web',
    bad: 'shop web',
    message: `"shop web" is not allowed; allowed: ${name}`,
  },
  ...inMetrics('service.istio.io/canonical-name', 'name'),
  ...inMetrics('service.istio.io/canonical-revision', 'revision'),
  ...inMetrics('app.kubernetes.io/name', 'name'),
  ...inMetrics('app', 'app'),
  ...inMetrics('app.kubernetes.io/version', 'revision'),
  ...inMetrics('version', 'version'),
  'label security.istio.io/tlsMode': {
    good: 'istio',
    warning:
      'label "security.istio.io/tlsMode" has no effect here: the proxy has no certificates of a mesh, so nothing becomes mutual TLS',
    support: 'supported',
    bad: '-',
    message: '"-" is not allowed; allowed: istio, disabled',
  },
  ...idle('topology.istio.io/network', 'net-1', 'only a control plane routes between networks'),
  ...idle('networking.istio.io/tunnel', 'http', 'there is no HBONE tunnel without a mesh', 'http'),
  ...others('label', 'istio.io/rev'),
  ...others('annotation', 'resource.opentelemetry.io/service.namespace'),
  ...others('annotation', 'resource.opentelemetry.io/service.version'),
  ...others('annotation', 'resource.opentelemetry.io/service.instance.id'),
  ...others('annotation', 'kubectl.kubernetes.io/default-logs-container'),
  'namespace label istio.io/rev': {
    elsewhere: [
      () => selectEntry({ 'istio.io/rev': 'canary' }, podWith()).called,
      false,
      () => selectEntry({ 'istio.io/rev': 'canary', 'istio-injection': 'enabled' }, podWith()).called,
      true,
    ],
  },
};
