import { annotationNames as names } from '../../pod/annotation-names.ts';
import { supported, readElsewhere, ignored, type AnnotationRow } from '../annotation.ts';
import { integer, looseBoolean, scrapeTargets } from '../../grammar/grammar.ts';

const whenMerged = 'Where metrics are merged';

/** How Prometheus finds the pod's metrics. Rows without an effect of their own are read where the scrape is planned. */
export const metrics: readonly AnnotationRow[] = [
  supported({
    name: names.mergeMetrics,
    grammar: looseBoolean,
    defaultText: 'setting `proxy.metrics.merge` (false)',
    doc: 'Whether the proxy appends the application’s metrics to its own and Prometheus is sent to the proxy alone.',
    set: (draft, value) => void (draft.proxy.metrics.merge = value),
    istiod: { note: 'default: what the mesh says, else true' },
  }),
  readElsewhere({
    name: names.scrape,
    allowed: looseBoolean.allowed,
    defaultText: 'true',
    doc: `${whenMerged}: false leaves the pod and its annotations as they are. Of this and the next three every spelling counts that Prometheus takes for the same.`,
  }),
  readElsewhere({
    name: names.scrapePort,
    allowed: 'an integer from 1 to 65535, no port of the proxy',
    defaultText: '80, when another of them is given',
    doc: `${whenMerged}: the application’s port, which the proxy asks; the annotation then names the status port.`,
  }),
  readElsewhere({
    name: names.scrapePath,
    allowed: 'a path, with a query if need be',
    defaultText: '/metrics',
    doc: `${whenMerged}: the application’s page; the annotation then says /stats/prometheus.`,
  }),
  readElsewhere({
    name: 'prometheus.io/scheme',
    allowed: 'http, https',
    defaultText: 'http',
    doc: `${whenMerged}: how the application is asked; its certificate is not verified. The annotation is taken away.`,
    istiod: { because: 'the agent asks by HTTP, and so is it asked; take https away' },
  }),
  readElsewhere({
    name: names.scrapeTargets,
    allowed: scrapeTargets.allowed,
    defaultText: 'none',
    doc: `${whenMerged}: further pages of the application, asked as prometheus.io/scheme says.`,
  }),
  ignored({
    name: names.securePort,
    grammar: integer(1, 65_535),
    because: 'merged metrics over TLS need the certificates of a mesh',
    istiod: { note: 'the pod’s own value stays; else the port that the proxy opens' },
  }),
];
