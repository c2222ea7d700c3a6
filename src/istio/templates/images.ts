import { annotationNames as names } from '../../pod/annotation-names.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

const endings = ['-distroless', '-debug'];

/** Returns the tag with its suffix replaced by that of the image type; `default` has no suffix. */
function withType(tag: string, type: string): string {
  if (type === '') return tag;
  const ending = endings.find((candidate) => tag.endsWith(candidate)) ?? '';
  const bare = tag.slice(0, tag.length - ending.length);
  return type === 'default' ? bare : `${bare}-${type}`;
}

function named(data: TemplateData, image: string, configured: string): string {
  const { hub, tag = '', variant } = data.values.global;
  const type = annotationOf(data, names.proxyImageType) ?? (configured === '' ? variant : configured);
  // A name without a slash in the pod's annotation would not name a registry; Istio ignores it.
  const own = annotationOf(data, names.proxyImage);
  const wanted = own?.includes('/') === true ? own : image;
  return wanted.includes('/') ? wanted : `${hub}/${wanted}:${withType(tag, type)}`;
}

/** Returns the image of the proxy by Istio's rules for the annotation, the values and the image type. */
export function proxyImage(data: TemplateData): string {
  return named(data, data.values.global.proxy.image, data.proxyConfig.image?.imageType ?? '');
}

/** Returns the image of the container that loads or checks the rules. The ProxyConfig's image type is the proxy's alone. */
export function initImage(data: TemplateData): string {
  return named(data, data.values.global.proxy_init.image, '');
}
