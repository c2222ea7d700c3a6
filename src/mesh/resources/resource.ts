import type { JsonObject } from '../../json/json.ts';
import type { Kind } from './kinds.ts';

/** One piece of Envoy's configuration that a control plane sends. */
export interface Resource {
  readonly kind: Kind;
  /** Name by which proxies ask for it; unique within its kind. */
  readonly name: string;
  /** The message as protobuf JSON with the field names of Envoy's API, without `@type`. */
  readonly json: JsonObject;
}
