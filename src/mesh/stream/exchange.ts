import type { Kind } from '../resources/kinds.ts';
import type { Versioned } from './target.ts';

/** What a proxy asks for or answers, by kind. */
export interface Request {
  readonly kind: Kind;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: Readonly<Record<string, string>>;
  readonly nonce: string;
  readonly rejection: string | undefined;
}

/** A response to send. */
export interface Response<R extends Versioned> {
  readonly type: 'send';
  readonly kind: Kind;
  readonly nonce: string;
  readonly resources: readonly R[];
  readonly removed: readonly string[];
}

/** Returns the response that brings these resources, and removes the names without one. */
export function responseOf<R extends Versioned>(
  kind: Kind,
  nonce: string,
  sent: ReadonlyMap<string, R | undefined>,
): Response<R> {
  const [resources, removed]: [R[], string[]] = [[], []];
  for (const [name, resource] of sent) {
    if (resource === undefined) removed.push(name);
    else resources.push(resource);
  }
  return { type: 'send', kind, nonce, resources, removed };
}

/** What an input says of a proxy. */
export type Observation<R extends Versioned> =
  /** The proxy has said that it holds a version. */
  | { readonly type: 'held'; readonly kind: Kind; readonly name: string; readonly version: string }
  /** The proxy has accepted a response: these resources by name, and removals, which have none. */
  | { readonly type: 'accepted'; readonly kind: Kind; readonly sent: ReadonlyMap<string, R | undefined> }
  | { readonly type: 'rejected'; readonly resource: R; readonly text: string }
  /** The proxy has not answered a response in the time that others wait for it. */
  | { readonly type: 'unanswered'; readonly kind: Kind; readonly names: readonly string[] };

/** Something to do after an input. */
export type Output<R extends Versioned> = Response<R> | Observation<R>;
