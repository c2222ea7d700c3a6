import { createInjector, type Injector } from '../../../src/injection/injector.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { readAddressVariables } from '../../../src/istio/address-variables.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { findObjects } from '../../../src/manifests/workloads.ts';
import { ownerOf, workloadsOf } from '../../../src/cli/manifests/workload.ts';
import { snapshotOf } from '../builders/snapshots.ts';
import type { IstioSettings } from './any-settings.ts';
import type { Case, Outcome } from './injector.ts';
import { namespaces } from './namespaces.ts';

/** The settings of an injector that stands in for Istio's with these settings. */
function injectorOf({ values, meshConfig, native, openShift, compliance }: IstioSettings): Injector {
  const added = {
    ...(openShift ? { global: { platform: 'openshift' } } : {}),
    ...(compliance === '' ? {} : { pilot: { env: { COMPLIANCE_POLICY: compliance } } }),
  };
  const istiod = { values: laid(values, added), meshConfig };
  return createInjector(
    snapshotOf({ mode: 'istiod', istiod, injection: { nativeSidecars: native ? 'always' : 'never' } }),
  );
}

function laid(below: JsonObject, above: JsonObject): JsonObject {
  const isPlain = (value: unknown): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  return Object.fromEntries(
    [...new Set([...Object.keys(below), ...Object.keys(above)])].map((key) => {
      const [low, high] = [below[key], above[key]];
      return [key, isPlain(low) && isPlain(high) ? laid(low, high) : (high ?? low ?? null)];
    }),
  );
}

let last: { readonly settings: IstioSettings; readonly injector: Injector | Error } | undefined;

function prepared(settings: IstioSettings): Injector | Error {
  if (last?.settings !== settings) {
    let injector: Injector | Error;
    try {
      injector = injectorOf(settings);
    } catch (error) {
      injector = error instanceof Error ? error : new Error(String(error));
    }
    last = { settings, injector };
  }
  return last.injector;
}

/** What this project makes of a case. Settings that are refused deny it. */
export function injectOurs({ way, settings, object, path }: Case): Outcome {
  const injector = prepared(settings);
  if (injector instanceof Error) return { outcome: 'deny', message: `settings: ${injector.message}` };
  const [found] = findObjects(object).flatMap(workloadsOf);
  if (found === undefined) return { outcome: 'skip' };
  const address = readAddressVariables(path);
  if ('problem' in address) return { outcome: 'deny', message: address.problem };
  const namespace = found.namespace ?? 'default';
  const decision = injector.decide({
    pod: found.pod.value,
    namespace,
    proxyVariables: address.variables,
    namespaceAnnotations: namespaces[namespace] ?? {},
    ...(way === 'file' ? { workload: ownerOf(found) } : {}),
  });
  const message = decision.reasons.map((one) => `${one.code}: ${one.message}`).join('\n');
  if (decision.outcome === 'deny') return { outcome: 'deny', message };
  if (decision.outcome === 'skip') {
    return decision.reasons.some(({ code }) => code === 'InvalidPatch')
      ? { outcome: 'deny', message }
      : { outcome: 'skip' };
  }
  const prefix = found.pod.pointer;
  const operations = decision.operations.map((one) => ({ ...one, path: `${prefix}${one.path}` }));
  return { outcome: 'inject', object: applyToValue(structuredClone(object), operations) as JsonObject };
}
