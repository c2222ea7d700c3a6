import type { JsonObject } from '../../../src/json/json.ts';

/** One line, or group of lines, of a panel: an expression and how its series are called. */
export type Query = readonly [expression: string, legend: string];

/** Units of Grafana that the dashboards use. */
export type Unit = 'short' | 'reqps' | 's' | 'ms' | 'bytes' | 'Bps' | 'percentunit' | 'dtdurations';

/** One panel of a dashboard. */
export interface Panel {
  readonly title: string;
  /** What it shows, for the reader of the dashboard. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** `stat` shows last values, `timeseries` their course. */
  readonly type?: 'timeseries' | 'stat';
}

/** A choice at the top of a dashboard: values of a label. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** `label_values(…)` of Grafana. */
  readonly query: string;
}

/** A dashboard before it becomes Grafana's JSON. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly choices: readonly Choice[];
  /** Rows of panels, each with its title. */
  readonly rows: readonly (readonly [title: string, panels: readonly Panel[]])[];
}

const columns = 24;
const panelHeight = 8;
const source = { type: 'prometheus', uid: '${datasource}' };

/** Options of the kinds of panels; Grafana's schema requires all of them. */
const optionsOf: Readonly<Record<'stat' | 'timeseries', JsonObject>> = {
  stat: {
    colorMode: 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    orientation: 'auto',
    percentChangeColorMode: 'standard',
    reduceOptions: { calcs: ['lastNotNull'] },
    showPercentChange: false,
    textMode: 'auto',
    wideLayout: true,
  },
  timeseries: {
    legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
};

/** Letters of the queries of a panel. */
function refId(index: number): string {
  return String.fromCodePoint(65 + index);
}

function panelJson({ title, description, unit, queries, type = 'timeseries' }: Panel): JsonObject {
  return {
    type,
    title,
    description,
    datasource: source,
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: refId(index),
      datasource: source,
      expr,
      legendFormat,
      ...(type === 'stat' && { instant: true }),
    })),
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: optionsOf[type],
  };
}

function choiceJson({ name, label, query }: Choice): JsonObject {
  return {
    type: 'query',
    name,
    label,
    datasource: source,
    query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

/** The JSON of a dashboard, in the schema of Grafana 10 and later (`schemaVersion` 39). */
export function dashboardJson({ uid, title, description, choices, rows }: Dashboard): JsonObject {
  const panels: JsonObject[] = [];
  let y = 0;
  let id = 1;
  for (const [rowTitle, rowPanels] of rows) {
    panels.push({
      id: id++,
      type: 'row',
      title: rowTitle,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    const width = Math.floor(columns / rowPanels.length);
    for (const [index, panel] of rowPanels.entries()) {
      panels.push({ id: id++, ...panelJson(panel), gridPos: { x: index * width, y, w: width, h: panelHeight } });
    }
    y += panelHeight;
  }
  const dataSource = { type: 'datasource', name: 'datasource', label: 'Data source', query: 'prometheus', refresh: 1 };
  return {
    uid,
    title,
    description,
    tags: ['sidecar-injector'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    annotations: { list: [] },
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    templating: { list: [dataSource, ...choices.map(choiceJson)] },
    panels,
  };
}
