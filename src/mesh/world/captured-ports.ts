import { interceptionMode, portList, portListOrAll, type Grammar } from '../../grammar/grammar.ts';
import type { PortRange } from '../../grammar/port-range.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';

/** Ports of a pod whose connections its proxy takes: some, without others. */
export interface CapturedPorts {
  readonly included: 'all' | readonly PortRange[];
  readonly excluded: readonly PortRange[];
}

type Texts = Readonly<Record<string, string>>;

/** Returns what an annotation says; the fall-back if it is absent, or is nothing that the injector would have taken. */
function read<T>(annotations: Texts, name: string, grammar: Grammar<T>, otherwise: T): T {
  const text = annotations[name];
  const parsed = text === undefined ? undefined : grammar.parse(text);
  return parsed !== undefined && 'value' in parsed ? parsed.value : otherwise;
}

/** Returns the ports that a pod with these labels and annotations has captured by a proxy of the mesh. */
export function capturedPorts(labels: Texts, annotations: Texts): CapturedPorts {
  const hasProxy =
    labels[names.tlsMode] === 'istio' &&
    read(annotations, names.interceptionMode, interceptionMode, 'REDIRECT') !== 'NONE';
  return {
    included: hasProxy ? read(annotations, names.includeInboundPorts, portListOrAll, 'all') : [],
    excluded: read(annotations, names.excludeInboundPorts, portList, []),
  };
}

function isIn(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Whether connections to a port are captured. A list of ports that are captured stands above one of those that are not. */
export function isCaptured({ included, excluded }: CapturedPorts, port: number): boolean {
  return included === 'all' ? !isIn(excluded, port) : isIn(included, port);
}
