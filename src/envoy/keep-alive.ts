import type { JsonObject } from '../json/json.ts';

/**
 * `envoy.config.core.v3.TcpKeepalive` of captured connections: a peer that has vanished is noticed after 55 s. The proxy
 * answers the application's own keep-alive and HTTP/2 pings itself, so nobody else would notice; the kernel's own values take
 * more than two hours.
 */
export const keepAlive: JsonObject = { keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 5 };
