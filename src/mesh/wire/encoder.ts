import { createHash } from 'node:crypto';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { resourceTypes, typeUrl, type Kind } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import { createConstraintCheck, type Violation } from './constraints.ts';
import type { EnvoyTypes } from './envoy-types.ts';
import { createMessageEncoder, type ShallowCheck } from './message-encoder.ts';

/** A resource as it is sent. Many streams share the same bytes. */
export interface EncodedResource {
  readonly kind: Kind;
  readonly name: string;
  /** Hash of the content: the same content has the same version on every replica, also after a restart. */
  readonly version: string;
  /** The field `resources` of an `envoy.service.discovery.v3.DeltaDiscoveryResponse` that has it. */
  readonly bytes: Uint8Array;
}

/** A resource that Envoy would reject. */
export interface RefusedResource {
  readonly kind: Kind;
  readonly name: string;
  readonly violations: readonly Violation[];
}

/** Turns resources into bytes. */
export interface Encoder {
  /** Encodes a resource once its content has passed the constraints of Envoy's API. */
  encode(resource: Resource): EncodedResource | RefusedResource;
}

/** Fields of `DeltaDiscoveryResponse` and `Resource`, both in `envoy.service.discovery.v3`, and of `google.protobuf.Any`. */
const fields = { resources: 2, version: 1, resource: 2, name: 3, anyType: 1, anyValue: 2 } as const;

const versionLength = 16;

function wrap(kind: Kind, name: string, version: string, message: Uint8Array): Uint8Array {
  const any = new BinaryWriter();
  any.tag(fields.anyType, WireType.LengthDelimited).string(typeUrl(kind));
  any.tag(fields.anyValue, WireType.LengthDelimited).bytes(message);
  const writer = new BinaryWriter();
  writer.tag(fields.version, WireType.LengthDelimited).string(version);
  writer.tag(fields.resource, WireType.LengthDelimited).bytes(any.finish());
  writer.tag(fields.name, WireType.LengthDelimited).string(name);
  return new BinaryWriter().tag(fields.resources, WireType.LengthDelimited).bytes(writer.finish()).finish();
}

/** Creates an encoder for these types. `check` lists what Envoy would reject in a message. */
export function createEncoder(types: EnvoyTypes, check: ShallowCheck = createConstraintCheck(types)): Encoder {
  const encodeMessage = createMessageEncoder(types, check);
  return {
    encode({ kind, name, json }) {
      let message;
      try {
        message = encodeMessage(types.message(resourceTypes[kind]), json);
      } catch (error) {
        // A field that Envoy's API does not have, or a value of another type.
        const text = error instanceof Error ? error.message : String(error);
        return { kind, name, violations: [{ path: '', message: text }] };
      }
      const { bytes, violations } = message;
      if (violations.length > 0) return { kind, name, violations };
      const version = createHash('sha256').update(bytes).digest('hex').slice(0, versionLength);
      return { kind, name, version, bytes: wrap(kind, name, version, bytes) };
    },
  };
}
