import type { ProbeKind } from './probe.ts';
import { member, objectAt, objectsMember, stringMember, type Json, type JsonObject } from '../json/json.ts';
import { withField } from '../json/field.ts';

/** A place in a container where the kubelet may be told to ask the application over the network. */
export interface Handler {
  /** `readinessProbe`, …, or `lifecycle/preStop`; a relative JSON Pointer without its first slash. */
  readonly field: string;
  /** Names of the members that lead to it. */
  readonly path: readonly string[];
  /** Last and first segment of the path on which the status port is asked instead (Istio's names). */
  readonly kind: ProbeKind;
  readonly folder: 'app-health' | 'app-lifecycle';
}

export const handlers: readonly Handler[] = [
  { field: 'readinessProbe', path: ['readinessProbe'], kind: 'readyz', folder: 'app-health' },
  { field: 'livenessProbe', path: ['livenessProbe'], kind: 'livez', folder: 'app-health' },
  { field: 'startupProbe', path: ['startupProbe'], kind: 'startupz', folder: 'app-health' },
  { field: 'lifecycle/preStop', path: ['lifecycle', 'preStop'], kind: 'prestopz', folder: 'app-lifecycle' },
  { field: 'lifecycle/postStart', path: ['lifecycle', 'postStart'], kind: 'poststartz', folder: 'app-lifecycle' },
];

/** One handler of a container that is turned towards the status port. */
export interface RewrittenHandler {
  readonly field: Handler['field'];
  readonly key: 'httpGet' | 'tcpSocket' | 'grpc';
  readonly original: Json;
  readonly replacement: JsonObject;
}

/** The container with the handler turned: its action gives path to the replacement. */
export function withRewrittenHandler<T extends JsonObject>(container: T, edit: RewrittenHandler): T {
  const handler = objectAt(container, edit.field.split('/')) ?? {};
  const kept = Object.entries(handler).filter(([key]) => key !== edit.key);
  const turned = Object.fromEntries([...kept, ['httpGet', edit.replacement]]);
  return withField(container, `/${edit.field}`, turned) as T;
}

/** The number of a named port, looked up in the container's own list, as the kubelet does. */
export function namedPort(container: JsonObject, name: string): Json | undefined {
  const named = objectsMember(container, 'ports').find((port) => stringMember(port, 'name') === name);
  return member(named, 'containerPort');
}
