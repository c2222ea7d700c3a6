import type { JsonObject, NamedObject } from '../../json/json.ts';

/** Name of the agent's container in every template. */
export const proxyName = 'istio-proxy';

/** Output of one of Istio's templates, which is merged onto the pod list by list. */
export interface TemplatePod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly initContainers: readonly NamedObject[];
  readonly containers: readonly NamedObject[];
  readonly volumes: readonly NamedObject[];
  readonly imagePullSecrets: readonly string[];
  readonly securityContext?: JsonObject;
}
