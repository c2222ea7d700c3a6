import type { ProbeKind } from './probe.ts';
import { member, objectAt, objectsMember, stringMember, type Json, type JsonObject } from '../json/json.ts';
import { withField } from '../json/field.ts';

/**
 * A field of a container that can make the kubelet call the application over the network: a probe or a lifecycle hook.
 */
export interface Handler {
  /** For example `readinessProbe` or `lifecycle/preStop`: a JSON Pointer in the container, without its first slash. */
  readonly field: string;
  /** The same as a list of member names. */
  readonly path: readonly string[];
  /** Last and first segment of the path on the status port that replaces the handler (Istio's names). */
  readonly kind: ProbeKind;
  readonly folder: 'app-health' | 'app-lifecycle';
}

/** Returns whether the handler is a lifecycle hook, which has neither a timeout nor a period. */
export function isHook({ folder }: Pick<Handler, 'folder'>): boolean {
  return folder === 'app-lifecycle';
}

export const handlers: readonly Handler[] = [
  { field: 'readinessProbe', path: ['readinessProbe'], kind: 'readyz', folder: 'app-health' },
  { field: 'livenessProbe', path: ['livenessProbe'], kind: 'livez', folder: 'app-health' },
  { field: 'startupProbe', path: ['startupProbe'], kind: 'startupz', folder: 'app-health' },
  { field: 'lifecycle/preStop', path: ['lifecycle', 'preStop'], kind: 'prestopz', folder: 'app-lifecycle' },
  { field: 'lifecycle/postStart', path: ['lifecycle', 'postStart'], kind: 'poststartz', folder: 'app-lifecycle' },
];

/** The rewrite of one handler of a container, which makes the kubelet call the status port. */
export interface RewrittenHandler {
  readonly field: Handler['field'];
  readonly key: 'httpGet' | 'tcpSocket' | 'grpc';
  readonly original: Json;
  readonly replacement: JsonObject;
}

/** Returns the container with the handler's action replaced by a call of the status port. */
export function withRewrittenHandler<T extends JsonObject>(container: T, edit: RewrittenHandler): T {
  const handler = objectAt(container, edit.field.split('/')) ?? {};
  const kept = Object.entries(handler).filter(([key]) => key !== edit.key);
  const rewritten = Object.fromEntries([...kept, ['httpGet', edit.replacement]]);
  return withField(container, `/${edit.field}`, rewritten) as T;
}

/** The number of a named port, looked up in the container's own ports, as the kubelet does. */
export function namedPort(container: JsonObject, name: string): Json | undefined {
  const named = objectsMember(container, 'ports').find((port) => stringMember(port, 'name') === name);
  return member(named, 'containerPort');
}
