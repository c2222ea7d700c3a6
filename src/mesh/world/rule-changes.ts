import type { RuleKind } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import { isSecurityKind, type Rules, type RuleSpecs } from '../rules/rule-kinds.ts';
import { Draft, link, unlink, type Sets } from './draft.ts';
import { namesOf, type RuleNames } from './rule-names.ts';

/** A change of a rule. */
export type RuleEvent = {
  readonly [K in RuleKind]: {
    readonly kind: K;
    /** `<namespace>/<name>`. */
    readonly key: string;
    readonly value: Rule<RuleSpecs[K]> | undefined;
  };
}[RuleKind];

/** Rules, and those that send requests to a Service, as `<kind> <namespace>/<name>` by its key. */
export interface IndexedRules {
  readonly rules: Rules;
  readonly rulesOfBackend: Sets;
}

/** Takes changes of rules one after the other. */
export interface RulesDraft {
  apply(event: RuleEvent): void;
  result(): IndexedRules;
  /** Namespaces of the objects that protect pods which have changed. */
  readonly guarding: ReadonlySet<string>;
  /**
   * Returns the Services whose calls may be decided otherwise now.
   *
   * @param services those that exist
   * @param changed those that are others than before
   */
  touched(services: ReadonlyMap<string, unknown>, changed: Iterable<string>): ReadonlySet<string>;
}

type AnyRule = Rule<RuleSpecs[RuleKind]>;

/** An object that becomes unreadable goes on as it was, for as long as it is the same object. */
function withLastGood(before: AnyRule | undefined, now: AnyRule | undefined): AnyRule | undefined {
  if (now === undefined || now.spec !== undefined || before?.spec === undefined) return now;
  if (before.ref.uid !== now.ref.uid) return now;
  return { ...now, spec: before.spec, keptGeneration: before.keptGeneration ?? before.ref.generation };
}

/** Returns the Services that a target stands for. */
function expand(target: string, services: ReadonlyMap<string, unknown>): Iterable<string> {
  if (!target.endsWith('*')) return [target];
  const prefix = target.slice(0, -1);
  return [...services.keys()].filter((key) => key.startsWith(prefix));
}

/** Begins changes of rules. */
export function draftRules(before: IndexedRules): RulesDraft {
  const drafts = new Map<RuleKind, Draft<AnyRule>>();
  const rulesOfBackend = new Draft(before.rulesOfBackend);
  const targets = new Set<string>();
  /** Targets of DestinationRules: what is sent to them from elsewhere depends on their subsets. */
  const backends = new Set<string>();
  /** Namespaces whose ReferenceGrants have changed. */
  const granting = new Set<string>();
  const guarding = new Set<string>();

  function draftOf(kind: RuleKind): Draft<AnyRule> {
    const draft = drafts.get(kind) ?? new Draft<AnyRule>(before.rules[kind]);
    drafts.set(kind, draft);
    return draft;
  }

  function namesOfRule(kind: RuleKind, rule: AnyRule | undefined): RuleNames {
    return namesOf(kind, rule);
  }

  function ruleAt(id: string): readonly [RuleKind, AnyRule | undefined] {
    const [kind, key] = id.split(' ') as [RuleKind, string];
    return [kind, (drafts.get(kind) ?? before.rules[kind]).get(key)];
  }

  /** Targets of rules that send to a Service. */
  function senders(backend: string): readonly string[] {
    return [...(rulesOfBackend.get(backend) ?? [])].flatMap((id) => namesOfRule(...ruleAt(id)).targets);
  }

  /** Targets of routes that send to Services of a namespace from another one. */
  function* sendersInto(namespace: string): Iterable<string> {
    for (const [backend, ids] of rulesOfBackend.result()) {
      if (!backend.startsWith(`${namespace}/`)) continue;
      for (const id of ids) {
        const [kind, rule] = ruleAt(id);
        if (kind !== 'VirtualService' && rule?.ref.namespace !== namespace) yield* namesOfRule(kind, rule).targets;
      }
    }
  }

  return {
    guarding,
    apply({ kind, key, value }) {
      const draft = draftOf(kind);
      const last = draft.get(key);
      const next = withLastGood(last, value);
      draft.put(key, next);
      const [had, has] = [namesOfRule(kind, last), namesOfRule(kind, next)];
      const id = `${kind} ${key}`;
      for (const backend of had.backends) unlink(rulesOfBackend, backend, id);
      for (const backend of has.backends) link(rulesOfBackend, backend, id);
      for (const backend of [...had.backends, ...has.backends]) targets.add(backend);
      for (const target of [...had.targets, ...has.targets]) {
        targets.add(target);
        if (kind === 'DestinationRule') backends.add(target);
      }
      const owner = key.slice(0, key.indexOf('/'));
      if (kind === 'ReferenceGrant') granting.add(owner);
      if (isSecurityKind(kind)) guarding.add(owner);
    },
    result: () => ({
      rules:
        drafts.size === 0
          ? before.rules
          : { ...before.rules, ...Object.fromEntries([...drafts].map(([kind, draft]) => [kind, draft.result()])) },
      rulesOfBackend: rulesOfBackend.result(),
    }),
    touched(services, changed) {
      const all = new Set(targets);
      for (const backend of [...backends].flatMap((target) => [...expand(target, services)])) {
        for (const target of senders(backend)) all.add(target);
      }
      for (const backend of changed) for (const target of senders(backend)) all.add(target);
      for (const namespace of granting) for (const target of sendersInto(namespace)) all.add(target);
      return new Set([...all].flatMap((target) => [...expand(target, services)]));
    },
  };
}
