import type { Added, Decision } from '../../../index.ts';
import { withCode } from '../../../injection/policy/reason.ts';
import { member, objectMember, type JsonObject } from '../../../json/json.ts';
import { parseQuantity } from '../../../grammar/quantity.ts';
import type { InjectOptions } from './options.ts';
import { inputFailure, partialFailure, type Input } from '../../manifests/input.ts';
import { exitCodes, print, report, type Io } from '../../io.ts';
import { describeObject, findWorkloads, type PlacedObject, type Workload } from '../../manifests/rewriting.ts';
import { textTable } from '../../text-table.ts';

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

interface Row {
  readonly where: string;
  readonly object: string;
  readonly decision: Decision['outcome'] | 'pass';
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

function replicasOf(object: JsonObject): number {
  const replicas = objectMember(object, 'spec')?.['replicas'];
  return typeof replicas === 'number' ? replicas : 1;
}

function cpuText(cores: number): string {
  return `${Math.round(cores * 1000)}m`;
}

function memoryText(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}

function rowOf({ object, workload, where }: PlacedObject, decideFor: (workload: Workload) => Decision | string): Row {
  const base = { where, object: describeObject(object), added: undefined, replicas: 1 };
  if (workload === undefined) return { ...base, decision: 'pass', reason: object.skipReason };
  const decision = decideFor(workload);
  if (typeof decision === 'string') return { ...base, decision: 'skip', reason: decision };
  const { outcome, reasons, added } = decision;
  return {
    ...base,
    decision: outcome,
    reason: outcome === 'deny' ? reasons.map(withCode).join('; ') : reasons.map(({ code }) => code).join(', '),
    added: added === undefined ? undefined : requestsOf(added),
    replicas: replicasOf(object.object),
  };
}

function totalLine(rows: readonly Row[]): string {
  const count = (decision: Row['decision']): number => rows.filter((row) => row.decision === decision).length;
  const total = (resource: keyof Amounts): number =>
    rows.reduce((sum, { added, replicas }) => sum + (added?.[resource] ?? 0) * replicas, 0);
  const counts = (['inject', 'skip', 'deny', 'pass'] as const).map((decision) => `${count(decision)} ${decision}`);
  const requests = `cpu ${cpuText(total('cpu'))}, memory ${memoryText(total('memory'))}`;
  const objects = rows.length === 1 ? '1 object' : `${rows.length} objects`;
  return `${objects}: ${counts.join(', ')}; requests added with all replicas: ${requests}`;
}

/**
 * `inject --summary`: prints a table with the decision on every object. The exit code is 1 if a pod would be denied, or
 * if a source cannot be read.
 * Otherwise it is 3 if `--check` is given and something would change.
 */
export function summarise(
  input: Input,
  decideFor: (workload: Workload) => Decision | string,
  options: Pick<InjectOptions, 'check'>,
  io: Io,
): number {
  const { objects, unread } = findWorkloads(input);
  if (objects.length === 0 && unread.length > 0) return report(inputFailure(unread), io);
  const rows = objects.map((object) => rowOf(object, decideFor));
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
  const changes = options.check === true && rows.some(({ decision }) => decision === 'inject');
  return changes ? exitCodes.different : exitCodes.fine;
}
