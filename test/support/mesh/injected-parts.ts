import type { JsonObject } from '../../../src/json/json.ts';
import { tokenMount, tokenVolume } from '../../../src/sidecars/standalone/mesh-membership.ts';

/** What the control plane knows an injected pod of the mesh by, beside its label: the proxy that mounts the token. */
export function injectedParts(audience = 'mesh'): {
  readonly containers: JsonObject[];
  readonly volumes: JsonObject[];
} {
  return {
    containers: [{ name: 'istio-proxy', image: 'envoy:1', args: ['--drain-time-s', '1'], volumeMounts: [tokenMount] }],
    volumes: [tokenVolume({ audience })],
  };
}
