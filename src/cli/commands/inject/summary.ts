import type { Added, Decision } from '../../../index.ts';
import type { FoundObject } from '../../../manifests/workloads.ts';
import { findPreviousInjection, type Decide } from '../../manifests/previous-injection.ts';
import { withCode } from '../../../injection/policy/reason.ts';
import { fieldAt } from '../../../json/field.ts';
import { isObject, member, objectMember } from '../../../json/json.ts';
import { pointerTokens } from '../../../json/pointer.ts';
import { escapeToken } from '../../../json/operation.ts';
import { parseQuantity } from '../../../grammar/quantity.ts';
import type { InjectOptions } from './options.ts';
import { inputFailure, partialFailure, type Input } from '../../manifests/input.ts';
import { exitCodes, print, report, warn, type Io } from '../../io.ts';
import { describeObject, describeWorkload, findWorkloads, type Workload } from '../../manifests/workload.ts';
import { textTable } from '../../text-table.ts';
import { plural } from '../../plural.ts';

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

interface Row {
  readonly where: string;
  readonly object: string;
  readonly decision: Decision['outcome'] | 'outdated' | 'pass';
  readonly reason: string;
  /** Resource requests added to one pod. Undefined if nothing is added. */
  readonly added: Amounts | undefined;
  readonly replicas: number;
}

/** Added requests in cores and bytes, without those of init containers that end before the pod is ready. */
function requestsOf(added: Added): Amounts {
  const staying = [
    ...added.containers,
    ...added.initContainers.filter((container) => member(container, 'restartPolicy') === 'Always'),
  ];
  const sum = (resource: string): number =>
    staying.reduce((total, container) => {
      const request = objectMember(objectMember(container, 'resources'), 'requests')?.[resource];
      return total + (typeof request === 'string' ? (parseQuantity(request) ?? 0) : Number(request ?? 0));
    }, 0);
  return { cpu: sum('cpu'), memory: sum('memory') };
}

/**
 * How many pods one object makes of the template: the product of `replicas` in the objects around it. Replicas that are
 * no number, such as a parameter of a template, count as one.
 */
function replicasOf({ object, pointer, pod }: Workload): number {
  const tokens = pointerTokens(pod.pointer.slice(pointer.length));
  return tokens.reduce((product, _token, depth) => {
    const around = fieldAt(
      object,
      tokens
        .slice(0, depth)
        .map((token) => `/${escapeToken(token)}`)
        .join(''),
    );
    const replicas = isObject(around) ? member(around, 'replicas') : undefined;
    return typeof replicas === 'number' ? product * replicas : product;
  }, 1);
}

function cpuText(cores: number): string {
  return `${Math.round(cores * 1000)}m`;
}

function memoryText(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}

function rowWithoutPod(object: FoundObject, where: string): Row {
  const reason = object.without?.reason ?? '';
  return { where, object: describeObject(object), added: undefined, replicas: 1, decision: 'pass', reason };
}

function rowOf(workload: Workload, where: string, decide: Decide): Row {
  const base = { where, object: describeWorkload(workload), added: undefined, replicas: 1 };
  const decision = decide(workload.pod.value);
  const previous = findPreviousInjection(workload.pod.value, decide);
  const outdated = previous?.state === 'known' ? previous.outdated : undefined;
  if (typeof decision !== 'string' && decision.outcome === 'deny') {
    return { ...base, decision: 'deny', reason: decision.reasons.map(withCode).join('; ') };
  }
  if (outdated !== undefined) return { ...base, decision: 'outdated', reason: outdated };
  if (typeof decision === 'string') return { ...base, decision: 'skip', reason: decision };
  const { outcome, reasons, added } = decision;
  return {
    ...base,
    decision: outcome,
    reason: reasons.map(({ code }) => code).join(', '),
    added: added === undefined ? undefined : requestsOf(added),
    replicas: replicasOf(workload),
  };
}

function totalLine(rows: readonly Row[]): string {
  const count = (decision: Row['decision']): number => rows.filter((row) => row.decision === decision).length;
  const total = (resource: keyof Amounts): number =>
    rows.reduce((sum, { added, replicas }) => sum + (added?.[resource] ?? 0) * replicas, 0);
  const outdated = count('outdated') === 0 ? [] : (['outdated'] as const);
  const words = ['inject', ...outdated, 'skip', 'deny', 'pass'] as const;
  const counts = words.map((decision) => `${count(decision)} ${decision}`);
  const requests = `cpu ${cpuText(total('cpu'))}, memory ${memoryText(total('memory'))}`;
  return `${plural(rows.length, 'object')}: ${counts.join(', ')}; requests added with all replicas: ${requests}`;
}

/**
 * `inject --summary`: prints a table with the decision on every object. The exit code is 1 if a pod would be denied, or
 * if a source cannot be read. Otherwise it is 3 if `--check` is given and something would change or is outdated.
 */
export function summarise(
  input: Input,
  deciderFor: (workload: Workload) => Decide,
  options: Pick<InjectOptions, 'check'>,
  io: Io,
): number {
  const { objects, warnings, unread } = findWorkloads(input);
  warn(warnings, io);
  if (objects.length === 0 && unread.length > 0) return report(inputFailure(unread), io);
  const rows = objects.flatMap(({ object, workloads, where }) =>
    workloads.length === 0
      ? [rowWithoutPod(object, where)]
      : workloads.map((workload) => rowOf(workload, where, deciderFor(workload))),
  );
  const cells = rows.map(({ object, decision, reason, added, where }) => [
    object,
    decision,
    added === undefined ? '-' : cpuText(added.cpu),
    added === undefined ? '-' : memoryText(added.memory),
    where,
    reason,
  ]);
  const head = ['OBJECT', 'DECISION', 'CPU', 'MEMORY', 'WHERE', 'REASON'];
  print([...textTable([head, ...cells], ''), totalLine(rows)], io);
  if (unread.length > 0) return report(partialFailure(unread), io);
  if (rows.some(({ decision }) => decision === 'deny')) return exitCodes.failed;
  const changes =
    options.check === true && rows.some(({ decision }) => decision === 'inject' || decision === 'outdated');
  return changes ? exitCodes.different : exitCodes.fine;
}
