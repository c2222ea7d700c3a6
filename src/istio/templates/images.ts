import { annotationNames as names } from '../../pod/annotation-names.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

const endings = ['-distroless', '-debug'];

/** The tag with another ending for the image type; `default` is none. */
function withType(tag: string, type: string): string {
  if (type === '') return tag;
  const ending = endings.find((candidate) => tag.endsWith(candidate)) ?? '';
  const bare = tag.slice(0, tag.length - ending.length);
  return type === 'default' ? bare : `${bare}-${type}`;
}

function named(data: TemplateData, image: string): string {
  const { hub, tag = '', variant } = data.values.global;
  // An `image` of the ProxyConfig counts as a whole, also without a type.
  const { image: configured } = data.proxyConfig;
  const type =
    annotationOf(data, names.proxyImageType) ?? (configured === undefined ? variant : (configured.imageType ?? ''));
  // A pod's name without a slash would be a name in nobody's registry; Istio passes it by.
  const own = annotationOf(data, names.proxyImage);
  const wanted = own?.includes('/') === true ? own : image;
  return wanted.includes('/') ? wanted : `${hub}/${wanted}:${withType(tag, type)}`;
}

/** Image of the proxy; Istio's rules for the annotation, the values and the image type. */
export function proxyImage(data: TemplateData): string {
  return named(data, data.values.global.proxy.image);
}

/** Image of the container that loads or checks the rules, of the same type. */
export function initImage(data: TemplateData): string {
  return named(data, data.values.global.proxy_init.image);
}
