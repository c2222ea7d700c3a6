import { effective, readElsewhere, withoutEffect, type StandaloneRow } from '../annotation.ts';
import { integer, looseBoolean, scrapeTargets } from '../../grammar/grammar.ts';

const whenMerged = 'Where metrics are merged';

/** How Prometheus finds the pod's metrics. The planner of the scrape reads what is not effective by itself. */
export const metrics: readonly StandaloneRow[] = [
  effective({
    name: 'prometheus.istio.io/merge-metrics',
    grammar: looseBoolean,
    defaultText: 'setting `proxy.metrics.merge` (false)',
    doc: 'Whether the proxy appends the application’s metrics to its own and Prometheus is sent to the proxy alone.',
    set: (draft, value) => void (draft.proxy.metrics.merge = value),
  }),
  readElsewhere({
    name: 'prometheus.io/scrape',
    allowed: looseBoolean.allowed,
    defaultText: 'true',
    doc: `${whenMerged}: false leaves the pod and its annotations as they are. Of this and the next three every spelling counts that Prometheus takes for the same.`,
  }),
  readElsewhere({
    name: 'prometheus.io/port',
    allowed: 'an integer from 1 to 65535, no port of the proxy',
    defaultText: '80, when another of them is given',
    doc: `${whenMerged}: the application’s port, which the proxy asks; the annotation then names the status port.`,
  }),
  readElsewhere({
    name: 'prometheus.io/path',
    allowed: 'a path, with a query if need be',
    defaultText: '/metrics',
    doc: `${whenMerged}: the application’s page; the annotation then says /stats/prometheus.`,
  }),
  readElsewhere({
    name: 'prometheus.io/scheme',
    allowed: 'http, https',
    defaultText: 'http',
    doc: `${whenMerged}: how the application is asked; its certificate is not verified. The annotation is taken away.`,
  }),
  readElsewhere({
    name: 'prometheus.istio.io/scrape-targets',
    allowed: scrapeTargets.allowed,
    defaultText: 'none',
    doc: `${whenMerged}: further pages of the application, asked as prometheus.io/scheme says.`,
  }),
  withoutEffect({
    name: 'prometheus.istio.io/secure-port',
    grammar: integer(1, 65_535),
    because: 'merged metrics over TLS need the certificates of a mesh',
  }),
];
