import type { Grammar } from './grammar.ts';
import { quote } from './problem.ts';

/** Address of a server: a DNS name or an IP address (IPv6 without brackets), and a port. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const shape = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)):([1-9]\d{0,4})$/;

/** `host:port`, with an IPv6 address in brackets. */
export const hostAndPort: Grammar<HostAndPort> = {
  allowed: 'host:port, such as otel-collector.observability:4317',
  parse(text) {
    const [, v6, name, digits] = shape.exec(text) ?? [];
    const host = v6 ?? name;
    const port = Number(digits);
    if (host === undefined || port > 65_535) {
      return { problem: `${quote(text)} is not allowed; allowed: ${this.allowed}` };
    }
    return { value: { host, port } };
  },
};
