import type { Json } from '../json/json.ts';
import type { Parameter } from '../settings/schema/template.ts';

/** How a value is written into its field. `expanded`: Kubernetes replaces `$(NAME)` in it. */
type Notation = 'text' | 'expanded' | 'number';

interface FieldKind {
  readonly pattern: RegExp;
  readonly types: readonly Parameter['type'][];
  readonly notation: Notation;
}

const anyText = ['string', 'integer', 'boolean', 'quantity', 'path', 'image', 'secretName'] as const;
const container = String.raw`\/(?:containers|initContainers)\/\d+`;
const probe = String.raw`${container}\/(?:liveness|readiness|startup)Probe`;
const secretFields = [
  String.raw`${container}\/env\/\d+\/valueFrom\/secretKeyRef\/name`,
  String.raw`${container}\/envFrom\/\d+\/secretRef\/name`,
  String.raw`\/volumes\/\d+\/secret\/secretName`,
  String.raw`\/volumes\/\d+\/projected\/sources\/\d+\/secret\/name`,
].join('|');
const configMapFields = [
  String.raw`${container}\/env\/\d+\/valueFrom\/configMapKeyRef\/name`,
  String.raw`\/volumes\/\d+\/configMap\/name`,
  String.raw`\/volumes\/\d+\/projected\/sources\/\d+\/configMap\/name`,
].join('|');

function kind(pattern: string, notation: Notation, ...types: readonly Parameter['type'][]): FieldKind {
  return { pattern: new RegExp(`^(?:${pattern})$`), notation, types };
}

/**
 * Fields that a parameter may set. The value is written by the author of a pod, so no field is listed that would grant
 * more than they could create themselves: no security context, no host path, no name that other fields refer to.
 */
const kinds: readonly FieldKind[] = [
  kind(String.raw`(?:${container}|\/application\/\d+)\/env\/\d+\/value`, 'expanded', ...anyText),
  kind(String.raw`${container}\/(?:args|command)\/\d+`, 'expanded', ...anyText),
  kind(String.raw`${container}\/image`, 'text', 'image'),
  kind(String.raw`${container}\/resources\/(?:requests|limits)\/[^/]+`, 'text', 'quantity'),
  kind(String.raw`${container}\/ports\/\d+\/containerPort`, 'number', 'integer'),
  kind(String.raw`${probe}\/(?:initialDelay|period|timeout)Seconds`, 'number', 'integer'),
  kind(String.raw`${probe}\/(?:failure|success)Threshold`, 'number', 'integer'),
  kind(String.raw`${probe}\/(?:httpGet|tcpSocket|grpc)\/port`, 'number', 'integer'),
  kind(String.raw`${probe}\/httpGet\/path`, 'text', 'path'),
  kind(String.raw`${container}\/volumeMounts\/\d+\/mountPath`, 'text', 'path'),
  kind(String.raw`\/share\/\d+\/path`, 'text', 'path'),
  kind(String.raw`\/application\/\d+\/volumeMounts\/\d+\/mountPath`, 'text', 'path'),
  kind(secretFields, 'text', 'secretName'),
  kind(configMapFields, 'text', 'string'),
  kind(String.raw`\/volumes\/\d+\/emptyDir\/sizeLimit`, 'text', 'quantity'),
  kind(String.raw`\/share\/\d+\/volume\/emptyDir\/sizeLimit`, 'text', 'quantity'),
  kind(String.raw`\/(?:labels|annotations)\/[^/]+`, 'text', ...anyText),
];

/** Returns the kind of the field at a JSON Pointer, or undefined if a parameter must not set it. */
export function fieldKindOf(pointer: string): FieldKind | undefined {
  return kinds.find(({ pattern }) => pattern.test(pointer));
}

/** Returns a parameter's text as the value of its field. A `$` is doubled where Kubernetes would expand it. */
export function fieldValue(notation: Notation, text: string): Json {
  switch (notation) {
    case 'text':
      return text;
    case 'expanded':
      return text.replaceAll('$', '$$$$');
    case 'number':
      return Number(text);
  }
}
