import { annotationNames as names } from '../../pod/annotation-names.ts';
import { isObject, stringMember } from '../../json/json.ts';
import { annotationOf, labelOf, type TemplateData } from './template-data.ts';

/** Returns whether a provider of the mesh asks for OpenTelemetry's service names. */
function isWanted(data: TemplateData): boolean {
  return (data.mesh.extensionProviders ?? []).some((provider) => {
    const settings = provider['opentelemetry'];
    return isObject(settings) && Object.values(settings).includes('OTEL_SEMANTIC_CONVENTIONS');
  });
}

/** Returns the tag of an image reference, its digest, or both as `TAG@DIGEST`; empty if it has neither. */
function imageVersion(image: string): string {
  const [name = '', ...rest] = image.split('@');
  const last = name.slice(name.lastIndexOf('/') + 1);
  // A colon before the last slash belongs to the registry's port.
  const tag = last.includes(':') ? last.slice(last.lastIndexOf(':') + 1) : '';
  return [tag, rest.join('@')].filter((part) => part !== '').join('@');
}

/** Returns OTEL_RESOURCE_ATTRIBUTES by OpenTelemetry's conventions for Kubernetes, if a provider asks for it. */
export function otelAttributes(data: TemplateData): string | undefined {
  if (!isWanted(data)) return undefined;
  const [first, ...rest] = data.containers;
  // An empty annotation counts as none.
  const namespace = annotationOf(data, names.otelNamespace) || data.namespace;
  const version =
    annotationOf(data, names.otelVersion) ||
    labelOf(data, names.applicationVersion) ||
    (first !== undefined && rest.length === 0 ? imageVersion(stringMember(first, 'image') ?? '') : '');
  const ownInstance = first === undefined ? '' : `${data.namespace}.$(POD_NAME).${stringMember(first, 'name') ?? ''}`;
  const instance = annotationOf(data, names.otelInstance) || ownInstance;
  const attributes = { 'service.namespace': namespace, 'service.version': version, 'service.instance.id': instance };
  const given = Object.entries(attributes).filter(([, value]) => value !== '');
  return given.length === 0 ? undefined : given.map(([name, value]) => `${name}=${value}`).join(',');
}
