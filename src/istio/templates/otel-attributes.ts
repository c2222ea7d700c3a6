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

/** Returns the tag or digest of an image reference. */
function imageVersion(image: string | undefined): string | undefined {
  const [name = '', ...digest] = (image ?? '').split('@');
  const tag = name.slice(name.lastIndexOf(':') + 1);
  // A colon before the last slash belongs to the registry's port.
  if (name.includes(':') && tag !== '' && !tag.includes('/')) return tag;
  return digest.length === 0 ? undefined : digest.join('@');
}

/** Returns OTEL_RESOURCE_ATTRIBUTES by OpenTelemetry's conventions for Kubernetes, if a provider asks for it. */
export function otelAttributes(data: TemplateData): string | undefined {
  if (!isWanted(data)) return undefined;
  const [first, ...rest] = data.containers;
  const namespace = annotationOf(data, names.otelNamespace) ?? data.namespace;
  const version =
    annotationOf(data, names.otelVersion) ??
    labelOf(data, names.applicationVersion) ??
    (rest.length === 0 ? imageVersion(stringMember(first, 'image')) : undefined);
  const instance =
    annotationOf(data, names.otelInstance) ?? `${data.namespace}.$(POD_NAME).${stringMember(first, 'name') ?? ''}`;
  return [
    `service.namespace=${namespace}`,
    ...(version === undefined ? [] : [`service.version=${version}`]),
    `service.instance.id=${instance}`,
  ].join(',');
}
