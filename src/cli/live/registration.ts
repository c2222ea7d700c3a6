import { isDeepStrictEqual } from 'node:util';
import {
  matchConditions,
  registrationEntries,
  registrationEntriesFor,
  type JsonObject,
  type RegistrationEntry,
} from '../../index.ts';
import { member, objectMember, objectsMember, stringMember } from '../../json/json.ts';
import { webhookConfigurationName } from '../../kubernetes/names.ts';

function sameSelector(live: JsonObject, key: string, shipped: unknown): boolean {
  return isDeepStrictEqual(member(live, key) ?? {}, shipped);
}

function sameConditions(live: JsonObject): boolean {
  const texts = objectsMember(live, 'matchConditions').map((one) => stringMember(one, 'expression'));
  return isDeepStrictEqual(
    texts,
    matchConditions.map(({ expression }) => expression),
  );
}

/** What is missing in the cluster's registration, so that pods are not injected or cannot be created. */
export function registrationFaults(configuration: JsonObject): string[] {
  const live = objectsMember(configuration, 'webhooks');
  return registrationEntries.flatMap(({ name }): string[] => {
    const found = live.find((one) => stringMember(one, 'name') === name);
    if (found === undefined)
      return [`the cluster's ${webhookConfigurationName} has no entry ${name}, so that one is never called`];
    if ((stringMember(objectMember(found, 'clientConfig'), 'caBundle') ?? '') !== '') return [];
    const policy = stringMember(found, 'failurePolicy') ?? 'Fail';
    return [`entry ${name} has no CA bundle yet: every call fails (failurePolicy ${policy})`];
  });
}

/** A difference from the shipped registration, and what follows from it for an explanation. */
export interface RegistrationChange {
  readonly what: string;
  readonly consequence: string;
}

/** Returns where the cluster's registration differs from the shipped one, whichever failure policy is the default. */
export function registrationChanges(configuration: JsonObject): readonly RegistrationChange[] {
  const live = objectsMember(configuration, 'webhooks');
  const changes = (['Fail', 'Ignore'] as const).map((byDefault) =>
    differences(live, registrationEntriesFor(byDefault)),
  );
  return changes.reduce((fewest, one) => (one.length < fewest.length ? one : fewest));
}

function differences(
  live: readonly JsonObject[],
  shipped: readonly RegistrationEntry[],
): readonly RegistrationChange[] {
  return shipped.flatMap((entry): RegistrationChange[] => {
    const found = live.find((one) => stringMember(one, 'name') === entry.name);
    if (found === undefined) return [];
    const changes: RegistrationChange[] = [];
    if (
      !sameSelector(found, 'namespaceSelector', entry.namespaceSelector) ||
      !sameSelector(found, 'objectSelector', entry.objectSelector)
    ) {
      changes.push({
        what: `entry ${entry.name} has other selectors in this cluster than the shipped ones`,
        consequence: 'they decide below',
      });
    }
    if (!sameConditions(found)) {
      changes.push({
        what: `entry ${entry.name} has other match conditions in this cluster`,
        consequence: 'the result below is that of the shipped ones',
      });
    }
    return changes;
  });
}
