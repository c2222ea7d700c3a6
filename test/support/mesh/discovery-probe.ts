import { Client, connectivityState, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { create, fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf';
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt';
import { typeUrl, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { until } from '../waiting.ts';

/** A response as it arrived, with the messages inside. */
export interface ReceivedResponse {
  readonly typeUrl: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly message: unknown }[];
  readonly removed: readonly string[];
}

/** One stream of a client that is no Envoy: it asks for what it is told to, and accepts everything. */
export interface DiscoveryProbe {
  subscribe(kind: Kind, names?: readonly string[], metadata?: object): void;
  readonly responses: readonly ReceivedResponse[];
  /** Waits for a response of a kind about a name. */
  untilAbout(kind: Kind, name: string): Promise<ReceivedResponse>;
  /** Accepts the responses that came. */
  acknowledge(): void;
  /** Requests that the server has not taken yet. */
  readonly waiting: () => number;
  /** Code and text with which the stream ended; undefined while it is open. */
  readonly ending: () => { readonly code: number; readonly text: string } | undefined;
  /** Whether its TCP connection is open. */
  readonly isConnected: () => boolean;
  close(): void;
}

const types = loadEnvoyTypes();
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const identity = (bytes: Buffer): Buffer => bytes;

interface ResponseMessage {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly resource: Any }[];
  readonly removedResources: readonly string[];
}

/**
 * Opens a stream; the server's certificate must be for `serverName`. Without `answers`, responses are acknowledged only by
 * `acknowledge`.
 */
export function openProbe(
  address: string,
  roots: string,
  token: string,
  serverName: string,
  answers = true,
): DiscoveryProbe {
  const request: DescMessage = types.message('envoy.service.discovery.v3.DeltaDiscoveryRequest');
  const response: DescMessage = types.message('envoy.service.discovery.v3.DeltaDiscoveryResponse');
  const client = new Client(address, credentials.createSsl(Buffer.from(roots)), {
    'grpc.ssl_target_name_override': serverName,
  });
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(path, identity, identity, metadata);
  const responses: ReceivedResponse[] = [];
  let ending: { code: number; text: string } | undefined;
  let waiting = 0;
  const write = (fields: object): void => {
    waiting += 1;
    call.write(Buffer.from(toBinary(request, create(request, fields as never))), () => (waiting -= 1));
  };
  const unanswered: object[] = [];
  const acknowledge = (): void => {
    for (const answer of unanswered.splice(0)) write(answer);
  };
  call.on('data', (bytes: Buffer) => {
    const message = fromBinary(response, bytes) as unknown as ResponseMessage;
    responses.push({
      typeUrl: message.typeUrl,
      resources: message.resources.map(({ name, version, resource }) => ({
        name,
        version,
        message: anyUnpack(resource, types.registry),
      })),
      removed: message.removedResources,
    });
    unanswered.push({ typeUrl: message.typeUrl, responseNonce: message.nonce });
    if (answers) acknowledge();
  });
  call.on('error', (error: Error & { code?: number; details?: string }) => {
    ending = { code: error.code ?? -1, text: error.details ?? error.message };
  });
  call.on('end', () => (ending ??= { code: 0, text: '' }));
  return {
    responses,
    ending: () => ending,
    waiting: () => waiting,
    acknowledge,
    isConnected: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
    subscribe(kind, names = [], node) {
      write({
        typeUrl: typeUrl(kind),
        resourceNamesSubscribe: names,
        ...(node !== undefined && { node: { id: 'probe', metadata: node } }),
      });
    },
    untilAbout: (kind, name) =>
      until(`a ${kind} named ${name}`, () =>
        responses.find(
          (one) =>
            one.typeUrl === typeUrl(kind) &&
            (one.resources.some((resource) => resource.name === name) || one.removed.includes(name)),
        ),
      ),
    close() {
      call.cancel();
      client.close();
    },
  };
}
