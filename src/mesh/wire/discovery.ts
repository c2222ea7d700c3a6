import { fromBinary, toJson } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { canonicalText, type JsonObject } from '../../json/json.ts';
import { deflate, deflatedMessage, store, type Deflated } from './deflate.ts';
import type { EncodedResource } from './encoder.ts';
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

/** What a control plane answers. */
export interface DiscoveryResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Resources that are sent on other streams, too. */
  readonly shared: readonly EncodedResource[];
  /** Resources of this stream alone. */
  readonly own: readonly EncodedResource[];
  /** Names that do not exist any more. */
  readonly removed: readonly string[];
}

/** A message as it is sent: plain, or compressed in the format that gRPC calls `deflate`. Streams share most of the bytes. */
export interface Message {
  plain(): readonly Uint8Array[];
  deflated(): readonly Uint8Array[];
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

/** Fields of `envoy.service.discovery.v3.DeltaDiscoveryResponse`, beside its resources. */
const fields = { typeUrl: 4, nonce: 5, removed: 6 } as const;

/** Resources in a row that are compressed together. */
interface Batch {
  readonly resources: readonly EncodedResource[];
  readonly deflated: Deflated;
}

/**
 * Whether a batch begins with a resource, so that it does not depend on what comes before: one that is missing or new changes one
 * batch. That is one of 32 versions, which are hashes.
 */
function isFirst({ version }: EncodedResource): boolean {
  return version < '08';
}

function batchesOf(resources: readonly EncodedResource[]): readonly (readonly EncodedResource[])[] {
  const batches: EncodedResource[][] = [];
  for (const resource of resources) {
    const last = batches.at(-1);
    if (last === undefined || isFirst(resource)) batches.push([resource]);
    else last.push(resource);
  }
  return batches;
}

function bytesOf(resources: readonly EncodedResource[]): readonly Uint8Array[] {
  return resources.map(({ bytes }) => bytes);
}

/**
 * Creates a function that writes a `DeltaDiscoveryResponse`. It compresses what streams share once for all of them, and remembers
 * it for as long as the resources are there.
 */
export function createResponseWriter(): (response: DiscoveryResponse) => Message {
  /** By the first resource. */
  const known = new WeakMap<EncodedResource, Batch>();

  function deflatedBatch(resources: readonly EncodedResource[]): Deflated {
    const [first] = resources;
    const last = first === undefined ? undefined : known.get(first);
    const isSame = last?.resources.length === resources.length;
    if (isSame && resources.every((one, index) => one === last.resources[index])) return last.deflated;
    const deflated = deflate(Buffer.concat(bytesOf(resources)));
    if (first !== undefined) known.set(first, { resources, deflated });
    return deflated;
  }

  return ({ typeUrl, nonce, shared, own, removed }) => {
    const writer = new BinaryWriter();
    writer.tag(fields.typeUrl, WireType.LengthDelimited).string(typeUrl);
    writer.tag(fields.nonce, WireType.LengthDelimited).string(nonce);
    for (const name of removed) writer.tag(fields.removed, WireType.LengthDelimited).string(name);
    // Keys are among them.
    const rest = Buffer.concat([...bytesOf(own), writer.finish()]);
    return {
      plain: () => [...bytesOf(shared), rest],
      deflated: () => deflatedMessage([...batchesOf(shared).map(deflatedBatch), store(rest)]),
    };
  };
}
