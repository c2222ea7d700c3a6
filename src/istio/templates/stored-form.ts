import { isObject, type Json, type JsonObject } from '../../json/json.ts';
import { wordSet } from '../../grammar/words.ts';

/** Numbers and flags of a container for which Kubernetes' types do not distinguish zero from absent (k8s.io/api core/v1). */
const zeros: ReadonlySet<string> = wordSet(`
  failureThreshold hostPort initialDelaySeconds periodSeconds readOnly stdin stdinOnce successThreshold timeoutSeconds tty
`);

function isEmpty(key: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return (value === 0 || value === false) && zeros.has(key);
}

/** A gRPC action without a service has none: Kubernetes' type writes null, which takes out a template's. */
function stored(key: string, value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => stored(key, item));
  if (!isObject(value)) return value;
  return key === 'grpc' ? { service: null, ...storedForm(value) } : storedForm(value);
}

/**
 * Returns an object of a container as the API server stores it: without null, empty texts, empty lists, and zeros that
 * mean the same as no value. Manifests contain them (`resources:` with nothing behind it). Laid over a template they
 * would remove what the user has not mentioned.
 */
export function storedForm(object: JsonObject): JsonObject {
  const entries = Object.entries(object).flatMap(([key, value]): [string, Json][] =>
    value === undefined || isEmpty(key, value) ? [] : [[key, stored(key, value)]],
  );
  return Object.fromEntries(entries);
}
