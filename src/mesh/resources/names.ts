/** Returns the name of a cluster, its endpoints and its routes in Istio's form, which tools parse. */
export function outboundName(port: number, host: string): string {
  return `outbound|${port}||${host}`;
}

/** Returns the name of the listener for one address and port of a Service. */
export function listenerName(address: string, port: number): string {
  return `${address}_${port}`;
}
