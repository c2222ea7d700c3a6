import { parse } from 'yaml';
import { containerOf, decideOn, injectedPod, podWith } from '../../../support/builders/decisions.ts';
import type { Examples } from './example.ts';

const merged = (name: string, value: string) => ({ 'prometheus.istio.io/merge-metrics': 'true', [name]: value });
const portAfter = (name: string, value: string) =>
  injectedPod(podWith({ annotations: merged(name, value) })).metadata.annotations['prometheus.io/port'];
const asked = (name: string, value: string) => {
  const pod = injectedPod(podWith({ annotations: merged(name, value) }));
  const [, bootstrap] = containerOf(pod, 'istio-proxy')['args'] as string[];
  const configuration = JSON.stringify(parse(bootstrap ?? '', { maxAliasCount: -1 }));
  return /"cluster":"(metrics\.[^"]*)".*?"target":"([^"]*)"/.exec(configuration)?.slice(1);
};
const refusal = (name: string, value: string) =>
  decideOn(podWith({ annotations: merged(name, value) })).reasons[0].message;

export const metrics: Examples = {
  'prometheus.istio.io/merge-metrics': {
    good: 'true',
    effect: ({ proxy }) => proxy.metrics.merge,
    value: true,
    bad: 'yes',
    message: '"yes" is not allowed; allowed: true, false',
  },
  'prometheus.io/scrape': {
    elsewhere: [
      () => portAfter('prometheus.io/scrape', 'true'),
      '15020',
      () => refusal('prometheus.io/scrape', 'yes'),
      'prometheus.io/scrape: "yes" is not allowed; allowed: true, false',
    ],
  },
  'prometheus.io/port': {
    elsewhere: [
      () => asked('prometheus.io/port', '9102'),
      ['metrics.http.9102', '9102/metrics'],
      () => refusal('prometheus.io/port', '15090'),
      'prometheus.io/port: "15090" is a port of the proxy itself; allowed: a port of the application',
    ],
  },
  'prometheus.io/path': {
    elsewhere: [
      () => asked('prometheus.io/path', '/m?x=1'),
      ['metrics.http.80', '80/m?x=1'],
      () => asked('prometheus.io/path', 'a b"c'),
      ['metrics.http.80', '80/a%20b%22c'],
    ],
  },
  'prometheus.io/scheme': {
    elsewhere: [
      () => asked('prometheus.io/scheme', 'https'),
      ['metrics.https.80', '80/metrics'],
      () => refusal('prometheus.io/scheme', 'HTTPS'),
      'prometheus.io/scheme: "HTTPS" is not allowed; allowed: http, https',
    ],
  },
  'prometheus.istio.io/scrape-targets': {
    elsewhere: [
      () => asked('prometheus.istio.io/scrape-targets', '9100:/m'),
      ['metrics.http.9100', '9100/m'],
      () => refusal('prometheus.istio.io/scrape-targets', '9100/m'),
      'prometheus.istio.io/scrape-targets: "9100/m" is not allowed; allowed: a comma list of port or port:/path',
    ],
  },
  'prometheus.istio.io/secure-port': {
    good: '15091',
    warning:
      'annotation "prometheus.istio.io/secure-port" has no effect here: merged metrics over TLS need the certificates of a mesh',
    bad: 'x',
    message: '"x" is not allowed; allowed: an integer from 1 to 65535',
  },
};
