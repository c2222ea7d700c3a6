import type { Lane, Traffic } from './traffic.ts';

/** An element of a picture: a name of SVG, attributes, and what is in it. Texts are texts, never markup. */
export interface Shape {
  readonly name: 'svg' | 'g' | 'rect' | 'path' | 'text' | 'tspan' | 'title' | 'desc';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Shape | string)[];
}

function shape(name: Shape['name'], attributes: Shape['attributes'], ...children: Shape['children']): Shape {
  return { name, attributes, children };
}

const lineHeight = 16;

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Breaks phrases into lines, at most so many; the last one tells how many phrases are left out. */
function wrap(phrases: readonly string[], width: number, most: number): string[] {
  const lines = phrases.flatMap((phrase) => {
    const words = phrase.split(' ');
    const wrapped: string[] = [''];
    for (const word of words) {
      const last = wrapped.at(-1) ?? '';
      if (last === '') wrapped[wrapped.length - 1] = word;
      else if (last.length + 1 + word.length <= width) wrapped[wrapped.length - 1] = `${last} ${word}`;
      else wrapped.push(word);
    }
    return wrapped.map((line) => cut(line, width));
  });
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more`];
}

function lines(x: number, y: number, texts: readonly string[], attributes: Shape['attributes'] = {}): Shape {
  return shape(
    'text',
    { x, y, ...attributes },
    ...texts.map((text, index) => shape('tspan', { x, dy: index === 0 ? 0 : lineHeight }, text)),
  );
}

function box(x: number, y: number, width: number, height: number, style: string): Shape {
  return shape('rect', { x, y, width, height, rx: 8, class: style });
}

function node(x: number, y: number, width: number, texts: readonly string[]): Shape {
  const height = 24 + texts.length * lineHeight;
  const centre = { 'text-anchor': 'middle', class: 'node-text' };
  return shape(
    'g',
    {},
    box(x, y - height / 2, width, height, 'node'),
    lines(x + width / 2, y - ((texts.length - 1) * lineHeight) / 2 + 4, texts, centre),
  );
}

/** An arrow along points, with its head at the last one. */
function arrow(points: readonly (readonly [number, number])[], style: string): Shape {
  const [[x1, y1] = [0, 0], [x2, y2] = [0, 0]] = points.slice(-2);
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const wing = (turn: number): string =>
    `${(x2 - 9 * Math.cos(angle + turn)).toFixed(1)} ${(y2 - 9 * Math.sin(angle + turn)).toFixed(1)}`;
  const way = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join(' ');
  return shape(
    'g',
    { class: style },
    shape('path', { d: way, class: 'way' }),
    shape('path', { d: `M${x2} ${y2} L${wing(0.42)} L${wing(-0.42)} Z`, class: 'head' }),
  );
}

function port(x: number, y: number, number: number): Shape {
  return shape(
    'g',
    { class: 'port' },
    shape('rect', { x: x - 28, y: y - 11, width: 56, height: 22, rx: 11 }),
    shape('text', { x, y: y + 4, 'text-anchor': 'middle' }, `:${number}`),
  );
}

const width = 840;
const sides = { left: 104, right: width - 104 };
const pod = { left: 262, right: width - 262 };

/** What runs in the pod beside each other, as lines of a box. */
function containerLines({ containers }: Traffic): string[] {
  const most = 5;
  const shown = containers.slice(0, containers.length > most ? most - 1 : most).map(({ name, ports }) => {
    const declared = ports.length === 0 ? '' : `  :${ports.slice(0, 4).join(' :')}${ports.length > 4 ? ' …' : ''}`;
    return cut(`${name}${declared}`, 40);
  });
  return containers.length > most ? [...shown, `and ${containers.length - most + 1} more containers`] : shown;
}

/** The phrases of a lane as text over its arrow. */
function laneText(x: number, y: number, phrases: readonly string[], style: string): Shape {
  const wrapped = wrap(phrases, 23, 4);
  return lines(x, y - 10 - (wrapped.length - 1) * lineHeight, wrapped, { 'text-anchor': 'middle', class: style });
}

/** Says in one sentence what the picture shows, for those who do not see it. */
export function describeTraffic({ containers, mode, inbound, outbound, dns, own }: Traffic): string {
  const names = containers.map(({ name }) => name).join(', ');
  const lane = (title: string, { port: to, proxy, direct }: Lane): string =>
    [
      ...(proxy.length === 0 ? [] : [`${title} through the proxy at port ${to}: ${proxy.join('; ')}.`]),
      ...(direct.length === 0 ? [] : [`${title} past the proxy: ${direct.join('; ')}.`]),
    ].join(' ');
  return [
    `A pod with ${names === '' ? 'no container' : names} and the proxy istio-proxy.`,
    ...(mode === undefined ? ['No traffic is redirected.'] : []),
    lane('Inbound', inbound),
    lane('Outbound', outbound),
    ...(dns === undefined ? [] : [`DNS queries to ${dns.servers} go to the proxy at port ${dns.port}.`]),
    `The proxy answers the kubelet and Prometheus at ports ${own.join(', ')}.`,
  ].join(' ');
}

/**
 * Draws who talks to whom through which port: callers to the left, what the pod calls to the right; above, what passes the
 * proxy by; below, what goes through it.
 */
export function drawTraffic(traffic: Traffic): Shape {
  const { inbound, outbound, dns, own, sidecars, mode } = traffic;
  const held = containerLines(traffic);
  const app = { top: 54, height: 46 + held.length * lineHeight };
  const direct = app.top + app.height / 2;
  const proxyTop = app.top + app.height + 66;
  const through = proxyTop + 44;
  const extra = proxyTop + 108;
  const proxyBottom = extra + 26;
  const height = proxyBottom + 24;
  const middle = (direct + through) / 2;
  const centre = width / 2;
  const inner = { left: pod.left + 14, right: pod.right - 14 };
  const others = sidecars.slice(1);
  const isInbound = inbound.proxy.length > 0;
  const isOutbound = outbound.proxy.length > 0;
  const gap = { left: (sides.left + pod.left) / 2, right: (sides.right + pod.right) / 2 };
  return shape(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', class: 'drawing' },
    shape('title', {}, 'Traffic of the pod'),
    shape('desc', {}, describeTraffic(traffic)),
    shape('rect', { x: pod.left, y: 8, width: pod.right - pod.left, height: height - 16, rx: 14, class: 'pod' }),
    lines(inner.left, 34, ['Pod'], { class: 'heading' }),
    box(inner.left, app.top, inner.right - inner.left, app.height, 'application'),
    lines(centre, app.top + 24, ['your containers'], { 'text-anchor': 'middle', class: 'heading' }),
    lines(centre, app.top + 24 + lineHeight + 4, held, { 'text-anchor': 'middle', class: 'node-text' }),
    box(inner.left, proxyTop, inner.right - inner.left, proxyBottom - proxyTop, 'proxy'),
    lines(centre, proxyTop + 24, ['istio-proxy'], { 'text-anchor': 'middle', class: 'heading' }),
    lines(
      centre,
      proxyTop + 24 + lineHeight,
      [mode === undefined ? 'Envoy, nothing is redirected' : `Envoy, ${mode}`],
      { 'text-anchor': 'middle', class: 'node-text' },
    ),
    ...(others.length === 0
      ? []
      : [
          lines(centre, proxyTop + 84, wrap([`beside it: ${others.join(', ')}`], 34, 2), {
            'text-anchor': 'middle',
            class: 'node-text',
          }),
        ]),
    node(8, middle, sides.left - 16, ['callers']),
    node(sides.right + 8, middle, sides.left - 16, ['what', 'it calls']),
    ...(inbound.direct.length === 0
      ? []
      : [
          arrow(
            [
              [sides.left / 2, middle - 20],
              [sides.left / 2, direct],
              [inner.left - 2, direct],
            ],
            'direct',
          ),
          laneText(gap.left, direct, inbound.direct, 'direct-text'),
        ]),
    ...(isInbound
      ? [
          arrow(
            [
              [sides.left / 2, middle + 20],
              [sides.left / 2, through],
              [inner.left - 2, through],
            ],
            'through',
          ),
          laneText(gap.left, through, inbound.proxy, 'through-text'),
          arrow(
            [
              [inner.left + 60, proxyTop],
              [inner.left + 60, app.top + app.height + 2],
            ],
            'through',
          ),
          lines(inner.left + 72, proxyTop - 28, ['delivers'], { class: 'through-text' }),
          port(inner.left + 34, through, inbound.port),
        ]
      : []),
    ...(outbound.direct.length === 0
      ? []
      : [
          arrow(
            [
              [inner.right + 2, direct],
              [width - sides.left / 2, direct],
              [width - sides.left / 2, middle - 28],
            ],
            'direct',
          ),
          laneText(gap.right, direct, outbound.direct, 'direct-text'),
        ]),
    ...(isOutbound
      ? [
          arrow(
            [
              [inner.right - 60, app.top + app.height],
              [inner.right - 60, proxyTop - 2],
            ],
            'through',
          ),
          lines(inner.right - 72, proxyTop - 28, ['takes over'], { 'text-anchor': 'end', class: 'through-text' }),
          arrow(
            [
              [inner.right, through],
              [width - sides.left / 2, through],
              [width - sides.left / 2, middle + 30],
            ],
            'through',
          ),
          laneText(gap.right, through, outbound.proxy, 'through-text'),
          port(inner.right - 34, through, outbound.port),
        ]
      : []),
    node(8, extra, sides.left - 16, ['kubelet,', 'Prometheus']),
    arrow(
      [
        [sides.left - 8, extra],
        [inner.left - 2, extra],
      ],
      'own',
    ),
    laneText(gap.left, extra, [own.map((one) => `:${one}`).join(' ')], 'own-text'),
    ...(dns === undefined
      ? []
      : [
          node(sides.right + 8, extra, sides.left - 16, ['DNS']),
          arrow(
            [
              [inner.right, extra],
              [sides.right + 6, extra],
            ],
            'through',
          ),
          laneText(gap.right, extra, [`queries to ${dns.servers}`], 'through-text'),
          port(inner.right - 34, extra, dns.port),
        ]),
  );
}
