import type { JsonObject } from '../../json/json.ts';

/** Name of the agent's container in every template. */
export const proxyName = 'istio-proxy';

/** A Kubernetes object with a name. */
export type Named = JsonObject & { readonly name: string };

/** Output of one of Istio's templates, which is merged onto the pod list by list. */
export interface TemplatePod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly initContainers: readonly Named[];
  readonly containers: readonly Named[];
  readonly volumes: readonly Named[];
  readonly imagePullSecrets: readonly string[];
  readonly securityContext?: JsonObject;
}
