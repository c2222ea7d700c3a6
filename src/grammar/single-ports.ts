import { portList, portListOrAll, type Grammar } from './grammar.ts';
import type { PortRange } from './port-range.ts';
import { quote } from './problem.ts';

/** A list of ports without ranges, which istio-iptables does not support in its arguments. */
function singles<T extends 'all' | readonly PortRange[]>(inner: Grammar<T>): Grammar<T> {
  const allowed = inner.allowed.replace(/ and ranges such as [\d-]+/, '');
  return {
    allowed,
    parse(text) {
      const parsed = inner.parse(text);
      const isRange =
        'value' in parsed && parsed.value !== 'all' && parsed.value.some(({ first, last }) => first !== last);
      return isRange || 'problem' in parsed
        ? { problem: `${quote(text)} is not allowed; allowed: ${allowed}` }
        : parsed;
    },
  };
}

export const singlePorts = singles(portList);
export const singlePortsOrAll = singles(portListOrAll);
