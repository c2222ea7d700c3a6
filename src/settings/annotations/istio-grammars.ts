import { imageReference, type Grammar } from '../../grammar/grammar.ts';
import { jsonObject } from '../../grammar/json-grammar.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { yamlMap } from '../../grammar/yaml-grammar.ts';
import { proxyConfig, type ProxyConfig } from '../schema/istio/proxy-config.ts';

/** A JSON object whose values are all of one kind. */
function valuesOf(allowed: string, accepts: (value: unknown) => boolean): Grammar<JsonObject> {
  return {
    allowed,
    parse(text) {
      const parsed = jsonObject.parse(text);
      if ('problem' in parsed || Object.values(parsed.value).every(accepts)) return parsed;
      return { problem: `${quote(text)} is not allowed; allowed: ${allowed}` };
    },
  };
}

/** `{"name": {…}}`, the form that Istio's injector reads (its documentation says an array). */
export const objectsByName = valuesOf('a JSON object, its keys the names and its values objects', isObject);
export const textsByName = valuesOf('a JSON object of texts', (value) => typeof value === 'string');

function matching(allowed: string, pattern: RegExp): Grammar<string> {
  return {
    allowed,
    parse: (text) =>
      pattern.test(text) ? { value: text } : { problem: `${quote(text)} is not allowed; allowed: ${allowed}` },
  };
}

export const imageType = matching('default, debug, distroless or another ending of a tag', /^[A-Za-z0-9_.-]{1,64}$/);
export const configMapName = matching('the name of a ConfigMap', /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);

/** Istio takes a name without a slash for one of nobody's registry and passes it by. */
export const imageWithRegistry: Grammar<string> = {
  allowed: `${imageReference.allowed}, with a slash`,
  parse(text) {
    const parsed = imageReference.parse(text);
    if ('value' in parsed && text.includes('/')) return parsed;
    return { problem: `${quote(text)} is not allowed; allowed: ${imageWithRegistry.allowed}` };
  },
};

/** A ProxyConfig as YAML. */
export const proxyConfigText: Grammar<ProxyConfig> = {
  allowed: yamlMap.allowed,
  parse(text) {
    const map = yamlMap.parse(text);
    if ('problem' in map) return map;
    const result = proxyConfig.safeParse(map.value);
    if (result.success) return { value: result.data };
    const [issue] = result.error.issues;
    const where = issue?.path.join('.') ?? '';
    return { problem: `is not a ProxyConfig: ${where === '' ? '' : `${where}: `}${issue?.message ?? ''}` };
  },
};
