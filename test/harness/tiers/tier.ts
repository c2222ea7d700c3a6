import type { Tool } from '../tools/tool.ts';

/** Tools that tests may need; each is prepared once, at the start of a run. */
export type ToolName =
  | 'packages'
  | 'browser'
  | 'node packages'
  | 'sidecar programs'
  | 'network namespaces'
  | 'envoy'
  | 'kubernetes'
  | 'kustomize'
  | 'YAML reader'
  | 'older Node'
  | 'cert-manager'
  | 'foreign webhooks'
  | 'crane'
  | 'actionlint'
  | 'dashboard reader'
  | 'collector'
  | 'jaeger'
  | 'node programs'
  | 'istio injector'
  | 'gateway conformance'
  | 'istiod';

/** One tier of the tests. */
export interface Tier {
  readonly name: string;
  readonly needs: readonly ToolName[];
  readonly run: (tier: string, environment: Environment) => Promise<Outcome>;
  readonly jestArguments?: readonly string[];
  /** Real parts can be late on a busy machine: in a whole run its failed files get a second try, alone. */
  readonly secondTry?: boolean;
  /** Not part of a run that names no tier. */
  readonly onRequest?: boolean;
}

/** What a tier is run with. */
export interface Environment {
  /** Tells the tests where the tools are. */
  readonly env: Readonly<Record<string, string>>;
  /** Further arguments of the test runner, such as a file name. */
  readonly arguments: readonly string[];
  /** Whether files that failed are run once more. */
  readonly secondTry: boolean;
  /** What stands before the command, such as one that enters a network. */
  readonly within?: readonly string[];
}

/** How a tier ended. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** What failed, by name, as far as that is known. */
  readonly failures?: readonly string[];
  /** What else the reader of the closing table must know. */
  readonly note?: string;
}

/** A line of the closing table. */
export interface Result extends Outcome {
  readonly tier: string;
  readonly seconds: number;
  /** Set when the tier was not run: what it needs. */
  readonly needs?: string;
}

/** A tool's answer, made ready or waited for when a tier first needs it. */
export type Tools = Readonly<Record<ToolName, Promise<Tool>>>;
