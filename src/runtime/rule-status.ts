import type { JsonObject } from '../json/json.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../kubernetes/client.ts';
import { createEvent } from '../kubernetes/object-event.ts';
import { parentStatuses, type ParentStatus, type StatusContext } from '../mesh/plan/gateway-parents.ts';
import { hostOf } from '../mesh/plan/host-name.ts';
import {
  conditionOf,
  isSpreading,
  patchCondition,
  patchParents,
  textOf,
  type Written,
} from '../mesh/report/object-status.ts';
import type { Standing } from '../mesh/report/standing.ts';
import { describeFinding } from '../mesh/rules/finding.ts';
import { isSecurityKind, securityRules } from '../mesh/rules/rule-kinds.ts';
import { parentRefsOf } from '../mesh/rules/gateway-route.ts';
import { objectKey, type ObjectRef, type RuleKind } from '../mesh/rules/object-ref.ts';
import type { Catalog } from '../mesh/serve/catalog.ts';
import type { Log } from '../telemetry/log.ts';

/** What a report of rules needs. */
export interface RuleStatusOptions {
  readonly client: Pick<ApiClient, 'get' | 'patch' | 'post'>;
  readonly catalog: Pick<Catalog, 'known' | 'standings' | 'progressOf'>;
  /** Whether the proxies of other replicas hold an object that protects pods, as they have said after a time. */
  readonly doOthersHold: (uid: string, sinceMs: number) => boolean;
  /** Path of a kind's collection; undefined if it is not served. */
  readonly pathOf: (kind: RuleKind) => string | undefined;
  /** Name of this replica. */
  readonly replica: string;
  readonly clock: () => Date;
  readonly log: Log;
  readonly every: (milliseconds: number, action: () => void) => () => void;
}

/**
 * How long it is waited for the last proxy, and how often a status that was changed meanwhile is tried again. What is said of an object that protects
 * pods is not to be that of its last version for long.
 */
const limits = {
  roundMs: 1_000,
  spreadRounds: 10,
  guardRounds: 3,
  tries: 5,
  eventsPerMinute: 20,
} as const;

/** Something that is to be written. */
interface Pending {
  readonly standing: Standing;
  /** When it was found. */
  readonly sinceMs: number;
  rounds: number;
  tries: number;
}

/** Writes what has become of each rule into its status. */
export interface RuleStatus {
  /** Rules by kind and verdict. */
  counts(): ReadonlyMap<string, { readonly kind: string; readonly verdict: string; readonly count: number }>;
  stop(): void;
}

const isGood = ({ verdict }: Standing): boolean => verdict === 'in-force';

/** Starts to watch over what becomes of rules. Every replica does: what is said already is not written again. */
export function startRuleStatus(options: RuleStatusOptions): RuleStatus {
  const { client, catalog, log } = options;
  /** What was last found about each object. */
  const told = new Map<string, { readonly text: string; readonly standing: Standing }>();
  const pending = new Map<string, Pending>();
  /** What the last standings were made from. */
  let seen: readonly unknown[] = [];
  let isWriting = false;
  let events = 0;

  /** Returns what is to be said of a route's parents; undefined for another kind. */
  function statusesOf({ ref, findings }: Standing, object?: JsonObject): readonly ParentStatus[] | undefined {
    if (ref.kind !== 'HTTPRoute' && ref.kind !== 'GRPCRoute') return undefined;
    const { world, domains } = catalog.known();
    const route = world.rules[ref.kind].get(`${ref.namespace}/${ref.name}`);
    if (route === undefined) return undefined;
    const context: StatusContext = {
      hostOf: (service) => hostOf(service, domains.cluster),
      serviceAt(namespace, name) {
        const service = world.service.get(`${namespace}/${name}`);
        return service?.externalName === undefined ? service : undefined;
      },
      grants: world.rules.ReferenceGrant,
      overridden: () => findings.find(({ code }) => code === 'VirtualServiceCounts')?.sentence,
    };
    const parents = object === undefined ? (route.spec?.parentRefs ?? []) : parentRefsOf(object);
    return parentStatuses(route, parents, context);
  }

  function look(): void {
    const { world } = catalog.known();
    const hasGuards = securityRules(world.rules).length > 0;
    // Whom an object protects depends on pods, of which there is always another one.
    const now = [world.rules, world.service, hasGuards ? world.pod : undefined];
    if (now.every((one, index) => one === seen[index]) && seen.length > 0) return;
    seen = now;
    const standings = catalog.standings();
    for (const [key, standing] of standings) {
      const text = [textOf(standing), JSON.stringify(statusesOf(standing) ?? '')].join('\n');
      const last = told.get(key);
      if (last?.text === text) continue;
      told.set(key, { text, standing });
      pending.set(key, { standing, sinceMs: options.clock().getTime(), rounds: 0, tries: 0 });
      tell(key, standing, last?.standing);
    }
    for (const map of [told, pending]) for (const key of map.keys()) if (!standings.has(key)) map.delete(key);
  }

  function tell(object: string, standing: Standing, last: Standing | undefined): void {
    const { verdict } = standing;
    const findings = standing.findings.map(describeFinding);
    if (!isGood(standing)) log.warn({ object, verdict, findings }, 'a traffic rule is not in force');
    else if (last !== undefined && !isGood(last)) log.info({ object, verdict }, 'a traffic rule is in force');
  }

  async function round(): Promise<void> {
    look();
    if (isWriting) return;
    isWriting = true;
    // What has to be repeated waits for the next round.
    for (const [key, one] of new Map(pending)) {
      one.rounds += 1;
      const { standing, sinceMs } = one;
      const progress = catalog.progressOf(key);
      const isGuard = isSecurityKind(standing.ref.kind);
      const othersHold = !isGuard || !isGood(standing) || options.doOthersHold(standing.ref.uid, sinceMs);
      const isIncomplete = progress.holding < progress.proxies || !othersHold;
      if (isIncomplete && one.rounds < (isGuard ? limits.guardRounds : limits.spreadRounds)) continue;
      pending.delete(key);
      const isToRepeat = await write(key, one, conditionOf(standing, progress, othersHold, options.replica));
      // It is said again when the last proxy has it.
      if (isSpreading(standing, progress, othersHold) && !pending.has(key)) pending.set(key, { ...one, rounds: 0 });
      if (isToRepeat && one.tries < limits.tries && !pending.has(key))
        pending.set(key, { ...one, tries: one.tries + 1 });
    }
    isWriting = false;
  }

  /** Writes what is not said yet. Returns whether somebody else has changed the object meanwhile. */
  async function write(key: string, { standing }: Pending, condition: Written): Promise<boolean> {
    const { ref } = standing;
    const collection = options.pathOf(ref.kind);
    if (collection === undefined || ref.kind === 'ReferenceGrant') return false;
    const path = pathOfObject(collection, ref);
    try {
      const { body } = await client.get(path);
      const statuses = statusesOf(standing, body);
      const patch =
        statuses === undefined
          ? patchCondition(body, condition, options.clock())
          : patchParents(body, statuses, options.clock());
      if (patch === undefined) return false;
      await client.patch(`${path}/status`, patch);
      if (!isGood(standing)) await announce(standing, collection);
      return false;
    } catch (error) {
      if (isApiError(error, 'conflict', 'invalid')) return true;
      // The object has gone meanwhile, or its kind has no status.
      if (isApiError(error, 'not-found')) return false;
      log.warn({ object: key, detail: String(error) }, 'the status of a traffic rule was not written');
      return false;
    }
  }

  /** Creates an Event, if there were not many lately. */
  async function announce({ ref, verdict, findings }: Standing, collection: string): Promise<void> {
    if (events >= limits.eventsPerMinute) return;
    events += 1;
    try {
      await createEvent(client, {
        namespace: ref.namespace,
        // The API server wants a name of a host also without what it adds, and cuts it at 58 characters before.
        name: { generateName: `${ref.name.slice(0, 50).replace(/[.-]+$/, '')}-` },
        time: options.clock(),
        controller: 'sidecar-injector.io/mesh',
        replica: options.replica,
        type: 'Warning',
        reason: verdict === 'without-effect' ? 'WithoutEffect' : 'Refused',
        action: 'Judge',
        note: findings.map(describeFinding).join('; '),
        regarding: {
          apiVersion: collection.split('/').slice(2, 4).join('/'),
          kind: ref.kind,
          namespace: ref.namespace,
          name: ref.name,
          uid: ref.uid,
        },
      });
    } catch (error) {
      log.warn({ object: objectKey(ref), detail: String(error) }, 'an Event about a traffic rule was not created');
    }
  }

  const stops = [options.every(limits.roundMs, () => void round()), options.every(60_000, () => void (events = 0))];
  return {
    counts() {
      const counts = new Map<string, { kind: string; verdict: string; count: number }>();
      for (const { standing } of told.values()) {
        const { verdict, ref } = standing;
        const id = `${ref.kind} ${verdict}`;
        counts.set(id, { kind: ref.kind, verdict, count: (counts.get(id)?.count ?? 0) + 1 });
      }
      return counts;
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function pathOfObject(collection: string, { namespace, name }: ObjectRef): string {
  const parts = collection.split('/');
  const plural = parts.pop() ?? '';
  return `${parts.join('/')}/namespaces/${pathSegment('namespace', namespace)}/${plural}/${pathSegment('object', name)}`;
}
