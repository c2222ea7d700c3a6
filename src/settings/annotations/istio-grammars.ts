import { grammar, imageReference, refuse, type Grammar } from '../../grammar/grammar.ts';
import { jsonObject } from '../../grammar/json-grammar.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { yamlMap } from '../../grammar/yaml-grammar.ts';
import { proxyConfig, type ProxyConfig } from '../schema/istio/proxy-config.ts';
import { mergeValues } from '../schema/istio/value-types.ts';

/** A JSON object in which all values are accepted. */
function valuesOf(allowed: string, accepts: (value: unknown) => boolean): Grammar<JsonObject> {
  return {
    allowed,
    parse(text) {
      const parsed = jsonObject.parse(text);
      return 'problem' in parsed || Object.values(parsed.value).every(accepts) ? parsed : refuse(text, allowed);
    },
  };
}

/** `{"name": {…}}`, which is what Istio's injector reads, although its documentation says an array. */
export const objectsByName = valuesOf('a JSON object, its keys the names and its values objects', isObject);
export const textsByName = valuesOf('a JSON object of texts', (value) => typeof value === 'string');

export const imageType = grammar('default, debug, distroless or another ending of a tag', (text) =>
  /^[A-Za-z0-9_.-]{1,64}$/.test(text) ? text : undefined,
);
export const configMapName = grammar('the name of a ConfigMap', (text) =>
  /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text) ? text : undefined,
);

/** Istio ignores an image name without a slash, because it names no registry. */
export const imageWithRegistry = grammar(`${imageReference.allowed}, with a slash`, (text) =>
  'value' in imageReference.parse(text) && text.includes('/') ? text : undefined,
);

/** Istio's ProxyConfig as YAML. */
export const proxyConfigText: Grammar<ProxyConfig> = {
  allowed: yamlMap.allowed,
  parse(text) {
    const map = yamlMap.parse(text);
    if ('problem' in map) return map;
    // Null stands for a field that is not there.
    const result = proxyConfig.safeParse(mergeValues({}, map.value));
    if (result.success) return { value: result.data };
    const [issue] = result.error.issues;
    const where = issue?.path.join('.') ?? '';
    const unknown = issue?.code === 'unrecognized_keys' && where === '' ? issue.keys[0] : undefined;
    const hint = unknown === undefined ? '' : didYouMean(unknown, Object.keys(proxyConfig.shape));
    return { problem: `is not a ProxyConfig: ${where === '' ? '' : `${where}: `}${issue?.message ?? ''}${hint}` };
  },
};
