import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import { dynamicResources } from '../../../src/envoy/control-plane.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { kindOf, typeUrl, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { startAdsServer, type AdsConnection } from '../../../src/mesh/serve/ads-server.ts';
import { systemTimers } from '../../../src/mesh/serve/timers.ts';
import { createRequestReader, createResponseWriter, type DiscoveryRequest } from '../../../src/mesh/wire/discovery.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { envoyBinary } from '../network/envoy.ts';
import { until } from '../waiting.ts';

/** A request of Envoy, as the test sees it. */
export interface Asked extends DiscoveryRequest {
  readonly kind: Kind;
  /** Which stream it came on, from 1. */
  readonly stream: number;
}

/** A real Envoy whose control plane says exactly what a test tells it to, be it right or wrong. */
export interface ScriptedControlPlane {
  readonly asked: readonly Asked[];
  /** Sends resources, whatever they are, and returns the nonce. */
  send(kind: Kind, resources: Readonly<Record<string, JsonObject>>, removed?: readonly string[]): string;
  /** How many responses were sent compressed, because Envoy says that it understands that. */
  readonly compressed: () => number;
  /** Waits for a request. */
  untilAsked(what: string, matches: (one: Asked) => boolean): Promise<Asked>;
  /** Waits for the answer to a response. */
  untilAnswered(nonce: string): Promise<Asked>;
  /** Ends the stream, so that Envoy opens another one. */
  hangUp(): void;
  /** Answer of Envoy's admin interface. */
  admin(url: string): Promise<string>;
  stop(): Promise<void>;
}

const types = loadEnvoyTypes();
const read = createRequestReader(types);
const write = createResponseWriter();
const permissive = createEncoder(types, () => []);

/** Starts both on this machine's loopback. */
export async function startScriptedControlPlane(): Promise<ScriptedControlPlane> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-ads-'));
  const now = new Date();
  const day = 24 * 60 * 60 * 1000;
  const own = createEllipticAuthority({ name: 'control-plane', now, lifetimeMs: day });
  const asked: Asked[] = [];
  let connection: AdsConnection | undefined;
  let streams = 0;
  let sent = 0;
  let compressed = 0;
  const server = await startAdsServer({
    host: '127.0.0.1',
    port: 0,
    strangers: { most: 10, mostOfAddress: 10, patienceMs: 600_000 },
    after: systemTimers.after,
    onCut: () => undefined,
    onError: () => undefined,
    pair: createLeafIssuer(own).issue({ names: { ips: ['127.0.0.1'] }, now, lifetimeMs: day }),
    accept(opened) {
      connection = opened;
      streams += 1;
      const stream = streams;
      opened.welcome();
      opened.onMessage((bytes) => {
        const request = read(bytes);
        const kind = kindOf(request.typeUrl);
        if (kind !== undefined) asked.push({ ...request, kind, stream });
      });
    },
  });
  const token = path.join(folder, 'token');
  const admin = path.join(folder, 'admin');
  const config = path.join(folder, 'envoy.json');
  writeFileSync(token, 'token');
  const control = { address: `127.0.0.1:${server.port}`, roots: own.certificate, tokenPath: token };
  writeFileSync(
    config,
    JSON.stringify({
      node: { id: 'test', cluster: 'test' },
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
      dynamic_resources: dynamicResources(control),
    }),
  );
  const words = ['--config-path', config, '--admin-address-path', admin, '--concurrency', '1', '--disable-hot-restart'];
  const envoy = spawn(envoyBinary(), [...words, '--log-level', 'off'], { stdio: 'ignore' });
  const running: ScriptedControlPlane = {
    asked,
    compressed: () => compressed,
    send(kind, resources, removed = []) {
      sent += 1;
      const nonce = `test-${sent}`;
      const encoded = Object.entries(resources).map(([name, json]) => permissive.encode({ kind, name, json }));
      const shared = encoded.map((one) => {
        if ('violations' in one) throw new Error(one.violations.map(({ message }) => message).join('; '));
        return one;
      });
      const message = write({ typeUrl: typeUrl(kind), nonce, shared, own: [], removed });
      connection?.send({
        ...message,
        deflated() {
          compressed += 1;
          return message.deflated();
        },
      });
      return nonce;
    },
    untilAsked: (what, matches) => until(what, () => asked.find(matches)),
    untilAnswered: (nonce) => until(`an answer to ${nonce}`, () => asked.find((one) => one.nonce === nonce)),
    hangUp: () => connection?.end('unavailable', 'the test hangs up'),
    async admin(url) {
      const address = await until('the admin interface', () => {
        try {
          return readFileSync(admin, 'utf8') || undefined;
        } catch {
          return undefined;
        }
      });
      return (await fetch(`http://${address}${url}`)).text();
    },
    async stop() {
      const end = once(envoy, 'exit');
      envoy.kill('SIGKILL');
      await end;
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return running;
}
