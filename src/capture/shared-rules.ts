import type { CaptureIntent } from './intent.ts';
import { portsText } from './rule-text.ts';
import { inTable, pass, says, type Rule, type TableName, type Words } from './rule.ts';

/** Lets the traffic of excluded interfaces pass, in a table that captures. */
export function excludedInterfaces(table: TableName, { excludeInterfaces }: CaptureIntent): Rule[] {
  const rule = inTable(table);
  const words = says('traffic of an excluded interface', excludeInterfaces.join(', '), 'excluded interface');
  return excludeInterfaces.flatMap((name) => [
    rule('PREROUTING', [{ by: 'in', name }], pass, { words }),
    rule('OUTPUT', [{ by: 'out', name }], pass, { words }),
  ]);
}

/** What the rules about inbound ports say, which stand in table `nat` or, in mode TPROXY, in `mangle`. */
export function inboundWords({ mode, inbound, inboundPort }: CaptureIntent): Record<'captured' | 'excluded', Words> {
  const { ports, excludePorts } = inbound;
  const how = mode === 'TPROXY' ? `handed to ${inboundPort} with the client's address` : `captured, to ${inboundPort}`;
  const why = "the proxy's own ports and excluded inbound ports";
  return {
    captured:
      ports === 'all'
        ? says('TCP to any other port', 'any', how)
        : says('TCP to a listed port', portsText(ports), `listed inbound ports, ${how}`),
    excluded: says('TCP to an excluded port', portsText(excludePorts), why),
  };
}
