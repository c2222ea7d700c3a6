import type { NamedObject } from '../../json/json.ts';
import type { IstioValues } from '../../settings/schema/istio/values.ts';
import { gatewayTemplate } from './gateway-template.ts';
import { grpcAgentTemplate, grpcSimpleTemplate } from './grpc-templates.ts';
import { sidecarTemplate } from './sidecar-template.ts';
import type { TemplateData } from './template-data.ts';
import type { TemplatePod } from './template-pod.ts';

type Template = (data: TemplateData) => TemplatePod;

const builtIn: ReadonlyMap<string, Template> = new Map([
  ['sidecar', sidecarTemplate],
  ['gateway', gatewayTemplate],
  ['grpc-simple', grpcSimpleTemplate],
  ['grpc-agent', grpcAgentTemplate],
]);

type Declared = IstioValues['sidecarInjectorWebhook']['templates'][string];

function declared({ metadata, spec }: Declared): TemplatePod {
  return {
    labels: metadata.labels,
    annotations: metadata.annotations,
    initContainers: spec.initContainers as NamedObject[],
    containers: spec.containers as NamedObject[],
    volumes: spec.volumes as NamedObject[],
    imagePullSecrets: spec.imagePullSecrets.map(({ name }) => name),
    ...(spec.securityContext === undefined ? {} : { securityContext: spec.securityContext as TemplatePod['labels'] }),
  };
}

/** Returns the names of Istio's templates: those of its chart and those that its values add. */
export function istioTemplateNames(values: IstioValues): string[] {
  return [...new Set([...builtIn.keys(), ...Object.keys(values.sidecarInjectorWebhook.templates)])];
}

/** Returns the template of that name, or undefined. As in Istio, the values may replace one of the chart's. */
export function istioTemplate(values: IstioValues, name: string): Template | undefined {
  const { templates } = values.sidecarInjectorWebhook;
  const own = Object.hasOwn(templates, name) ? templates[name] : undefined;
  return own === undefined ? builtIn.get(name) : () => declared(own);
}
