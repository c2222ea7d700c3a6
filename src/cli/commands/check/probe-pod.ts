import type { JsonObject } from '../../../json/json.ts';

/** The pod's name; the prefix keeps it from looking like somebody's own. */
const name = 'sidecar-injector-check';

/** A pod that every level of Pod Security allows. It is decided about or created by dry run, so it never runs. */
export function probePod(annotations: Readonly<Record<string, string>> = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: `${name}-`, labels: { app: name }, annotations },
    spec: {
      // Without it, Pod Security restricted refuses the pod.
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'app',
          image: `${name}:never-pulled`,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          // Where a quota counts resources, every container has to name some.
          resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } },
        },
      ],
    },
  };
}
