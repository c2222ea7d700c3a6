import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createFileRegistry, fromBinary, type DescMessage, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** Types of Envoy's API: the messages that a control plane sends and receives, with their validation rules. */
export interface EnvoyTypes {
  readonly registry: FileRegistry;
  /** Returns a message type by its full name. Throws for a name that the descriptors do not have. */
  message(name: string): DescMessage;
}

/** Loads the descriptors, which takes about 50 ms. They are made from the Envoy version of the images (`make descriptors`). */
export function loadEnvoyTypes(): EnvoyTypes {
  const bytes = gunzipSync(readFileSync(new URL('envoy.binpb.gz', import.meta.url)));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  return {
    registry,
    message(name) {
      const found = registry.getMessage(name);
      if (found === undefined) throw new Error(`Envoy's API has no message ${name}`);
      return found;
    },
  };
}
