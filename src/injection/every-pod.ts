import { quote } from '../grammar/problem.ts';
import type { JsonObject } from '../json/json.ts';
import { annotationNames } from '../pod/annotation-names.ts';
import { createInjector } from './injector.ts';
import { reason, type Reason, type ReasonCode } from './policy/reason.ts';
import { chooseSidecars } from './policy/selection.ts';
import type { Snapshot } from './snapshot.ts';

/** Reasons that lie in settings and sidecars, when they hold of a pod that asks for nothing. */
const ofSettings: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'TemplateNotAllowed',
  'TemplateConflict',
  'PrivilegeNotAllowed',
  'SecretNotAllowed',
  'MountConflict',
  'NameConflict',
  'PortConflict',
  'ProfileMisfit',
]);

/** A pod that asks for injection and for nothing else. */
const plainPod: JsonObject = {
  metadata: { generateName: 'any-', labels: { [annotationNames.inject]: 'true' } },
  spec: { containers: [{ name: 'app', image: 'any' }] },
};

/** A namespace for each pattern that lets a sidecar in somewhere, and one that no pattern means. */
function namespacesOf({ settings, templates }: Snapshot): ReadonlySet<string> {
  const { allowPrivilegedIn, allowSecretsIn } = settings.sidecars;
  const patterns = [
    ...allowPrivilegedIn,
    ...allowSecretsIn,
    ...[...templates.values()].flatMap(({ spec }) => spec.namespaces ?? []),
    ...settings.profiles.flatMap(({ namespaces }) => namespaces ?? []),
  ];
  return new Set(['any', ...patterns.map((pattern) => pattern.replaceAll('*', 'any'))]);
}

/** A default that a pod has to name a Secret for, where no pod may name one. */
function secretsOfNobody(snapshot: Snapshot): Reason[] {
  const { injection, sidecars } = snapshot.settings;
  if (sidecars.allowSecretsIn.length > 0) return [];
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'any' };
  const { chosen } = chooseSidecars(injection.defaultTemplates, snapshot, { namespace: 'any', owner });
  return [...chosen.values()].flatMap((template) =>
    (template?.parameters ?? [])
      .filter(({ parameter: { type, required } }) => type === 'secretName' && required === true)
      .map(({ annotation }) => {
        const why = `${annotation} has to name a Secret, which no pod may (sidecars.allowSecretsIn: none)`;
        return reason('SecretNotAllowed', `sidecar ${quote(template?.reference ?? '')}: ${why}`);
      }),
  );
}

/**
 * Returns why every pod that does not choose its sidecars would be denied with these settings: the defaults exclude each
 * other, or need what no namespace may give them. Empty if a plain pod of some namespace is not denied.
 */
export function denialsOfEveryPod(snapshot: Snapshot): readonly Reason[] {
  const withoutSecrets = secretsOfNobody(snapshot);
  if (withoutSecrets.length > 0) return withoutSecrets;
  const injector = createInjector(snapshot);
  const denials: (readonly Reason[])[] = [];
  for (const namespace of namespacesOf(snapshot)) {
    const { outcome, reasons } = injector.decide({ pod: plainPod, namespace });
    if (outcome === 'skip') continue;
    const found = reasons.filter(({ code }) => ofSettings.has(code));
    if (outcome !== 'deny' || found.length === 0) return [];
    denials.push(found);
  }
  return denials[0] ?? [];
}
