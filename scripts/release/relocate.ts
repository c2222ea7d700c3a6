import { parseAllDocuments, visit } from 'yaml';
import { readSettings } from '../../src/settings/document.ts';

/** Where an image is to be taken from: its name as the manifests have it, to the name that replaces it. */
export type Rename = (image: string) => string;

/** The path of an image within a registry, with tag or digest: `quay.io/prometheus/node-exporter:v1` is `prometheus/node-exporter:v1`. */
export function pathInRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? rest.join('/') : image;
}

/** The images that a pod is injected with while the settings name no other. */
export function defaultImages(): { readonly proxy: string; readonly capture: string } {
  const settings = readSettings(undefined);
  if ('problems' in settings) throw new Error('the defaults of the settings are no settings');
  return { proxy: settings.value.proxy.image, capture: settings.value.capture.image };
}

const imageField = /^(?<before>\s*(?:- )?image: )(?<image>[^\s#'"{}]+)$/gm;
const emptySettings = /^(?<indent> *)spec: \{\}$/m;

/**
 * Renames every image of manifests, those inside of ConfigMaps included, and leaves all other bytes. Settings that name no images
 * get the built-in ones under their new names. Throws when an image would keep its name.
 */
export function relocateManifests(text: string, rename: Rename): string {
  const { proxy, capture } = defaultImages();
  const explicit = (indent: string): string =>
    ['spec:', '  proxy:', `    image: ${rename(proxy)}`, '  capture:', `    image: ${rename(capture)}`]
      .map((line) => indent + line)
      .join('\n');
  const result = text
    .replace(imageField, (_line, before: string, image: string) => before + rename(image))
    .replace(emptySettings, (_line, indent: string) => explicit(indent));
  const named = [...imagesOf(text), ...(/^\s*kind: InjectorConfiguration$/m.test(text) ? [proxy, capture] : [])];
  const [wanted, found] = [new Set(named.map(rename)), new Set(imagesOf(result))];
  const differences = [
    ...[...wanted].filter((one) => !found.has(one)),
    ...[...found].filter((one) => !wanted.has(one)),
  ];
  if (differences.length > 0) throw new Error(`an image was left out or is new: ${differences.join(', ')}`);
  return result;
}

/** Every image that manifests name, sorted: the values of fields `image`, in texts inside of ConfigMaps as well. */
export function imagesOf(text: string): readonly string[] {
  const found = new Set<string>();
  for (const document of parseAllDocuments(text)) {
    visit(document, {
      Pair(_key, { key, value }) {
        const [name, content] = [scalar(key), scalar(value)];
        if (name === 'image' && content !== undefined) found.add(content);
        else if (content?.includes('\n') === true) for (const image of imagesOf(content)) found.add(image);
      },
    });
  }
  return [...found].toSorted();
}

function scalar(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !('value' in node)) return undefined;
  return typeof node.value === 'string' ? node.value : undefined;
}
