/** Address to listen on; `host` undefined means all addresses of the machine. */
export interface Address {
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Parses `:8443`, `127.0.0.1:8443` or `[::1]:8443`; undefined if the text is none of these. Port 0 lets the system
 * choose a free port.
 */
export function readAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  const host = match[1] ?? match[2];
  return { host: host === '' ? undefined : host, port };
}
