import type { JsonObject } from '../../json/json.ts';
import type { IstioValues } from '../../settings/schema/istio/values.ts';
import { gatewayTemplate } from './gateway-template.ts';
import { grpcAgentTemplate, grpcSimpleTemplate } from './grpc-templates.ts';
import { sidecarTemplate } from './sidecar-template.ts';
import type { TemplateData } from './template-data.ts';
import { patchOf } from './template-merge.ts';
import type { TemplatePod } from './template-pod.ts';

/** Returns a patch that is laid over the pod. */
type Template = (data: TemplateData) => JsonObject;

const builtIn: ReadonlyMap<string, (data: TemplateData) => TemplatePod> = new Map([
  ['sidecar', sidecarTemplate],
  ['gateway', gatewayTemplate],
  ['grpc-simple', grpcSimpleTemplate],
  ['grpc-agent', grpcAgentTemplate],
]);

/** Returns the names of Istio's templates: those of its chart and those that its values add. */
export function istioTemplateNames(values: IstioValues): string[] {
  return [...new Set([...builtIn.keys(), ...Object.keys(values.sidecarInjectorWebhook.templates)])];
}

/** Returns the template of that name, or undefined. As in Istio, the values may replace one of the chart's. */
export function istioTemplate(values: IstioValues, name: string): Template | undefined {
  const { templates } = values.sidecarInjectorWebhook;
  const own = Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (own !== undefined) return () => own;
  const template = builtIn.get(name);
  return template === undefined ? undefined : (data) => patchOf(template(data));
}
