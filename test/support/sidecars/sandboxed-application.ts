import type { JsonObject } from '../../../src/json/json.ts';

/** User of the application; its sidecars run as others. */
export const applicationUser = 1000;

/** A pod with one hardened container `app`, to be run in a sandbox. */
export function applicationPod(annotations: JsonObject, container: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  return {
    metadata: { name: 'web', namespace: 'shop', annotations },
    spec: {
      containers: [
        {
          name: 'app',
          image: 'app:1',
          securityContext: {
            capabilities: { drop: ['ALL'] },
            readOnlyRootFilesystem: true,
            runAsUser: applicationUser,
            runAsGroup: applicationUser,
          },
          ...container,
        },
      ],
      ...spec,
    },
  };
}
