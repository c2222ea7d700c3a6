import { fromBinary, toJson } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { canonicalText, type JsonObject } from '../../json/json.ts';
import type { EnvoyTypes } from './envoy-types.ts';

/** What a proxy says on its stream (`envoy.service.discovery.v3.DeltaDiscoveryRequest`). */
export interface DiscoveryRequest {
  /** Identity of the proxy as it states it: only on the first request of a stream, and nothing to trust. */
  readonly node?: ProxyNode;
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Versions of what the proxy already holds, on the first request of a type. */
  readonly initialVersions: Readonly<Record<string, string>>;
  /** Nonce of the response that this request answers; empty if it answers none. */
  readonly nonce: string;
  /** Why the proxy rejected that response; undefined if it accepted it. */
  readonly rejection: string | undefined;
}

/** What a proxy says of itself. */
export interface ProxyNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
  /** Version of Envoy and how it was built, as one text; proxies with the same text accept and reject the same. */
  readonly build: string;
}

/** What a control plane answers, apart from the bytes of its resources. */
export interface DiscoveryResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  /** `envoy.service.discovery.v3.Resource` messages. */
  readonly resources: readonly Uint8Array[];
  /** Names that do not exist any more. */
  readonly removed: readonly string[];
}

interface RequestMessage {
  readonly node?: {
    readonly id: string;
    readonly cluster: string;
    readonly metadata?: JsonObject;
    readonly userAgentVersionType?: {
      readonly value?: {
        readonly version?: { majorNumber: number; minorNumber: number; patch: number };
        readonly metadata?: JsonObject;
      };
    };
  };
  readonly typeUrl: string;
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly message: string };
}

/** Returns a function that reads a `DeltaDiscoveryRequest`. It throws for bytes that are none. */
export function createRequestReader(types: EnvoyTypes): (bytes: Uint8Array) => DiscoveryRequest {
  const type = types.message('envoy.service.discovery.v3.DeltaDiscoveryRequest');
  const struct = types.message('google.protobuf.Struct');
  return (bytes) => {
    const message = fromBinary(type, bytes) as unknown as RequestMessage;
    const { node } = message;
    const { version, metadata: details } = node?.userAgentVersionType?.value ?? {};
    return {
      ...(node !== undefined && {
        node: {
          id: node.id,
          cluster: node.cluster,
          metadata: node.metadata === undefined ? {} : metadataOf(node.metadata),
          build: canonicalText({
            version: version === undefined ? '' : `${version.majorNumber}.${version.minorNumber}.${version.patch}`,
            details: details === undefined ? {} : metadataOf(details),
          }),
        },
      }),
      typeUrl: message.typeUrl,
      subscribe: message.resourceNamesSubscribe,
      unsubscribe: message.resourceNamesUnsubscribe,
      initialVersions: message.initialResourceVersions,
      nonce: message.responseNonce,
      rejection: message.errorDetail?.message,
    };
  };

  /** The runtime has plain objects for `Struct`, or messages, which depends on where the type stands. */
  function metadataOf(metadata: object): JsonObject {
    if (!('$typeName' in metadata)) return metadata as JsonObject;
    return toJson(struct, metadata as never) as JsonObject;
  }
}

/** Fields of `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
const fields = { resources: 2, typeUrl: 4, nonce: 5, removed: 6 } as const;

/** Returns the bytes of a `DeltaDiscoveryResponse`. */
export function writeResponse({ typeUrl, nonce, resources, removed }: DiscoveryResponse): Uint8Array {
  const writer = new BinaryWriter();
  const lengths = resources.map((bytes) =>
    writer.tag(fields.resources, WireType.LengthDelimited).uint32(bytes.length).finish(),
  );
  writer.tag(fields.typeUrl, WireType.LengthDelimited).string(typeUrl);
  writer.tag(fields.nonce, WireType.LengthDelimited).string(nonce);
  for (const name of removed) writer.tag(fields.removed, WireType.LengthDelimited).string(name);
  // A message of megabytes is allocated once: a writer that grows leaves twice as much behind.
  return Buffer.concat([...resources.flatMap((bytes, index) => [lengths[index] ?? bytes, bytes]), writer.finish()]);
}
