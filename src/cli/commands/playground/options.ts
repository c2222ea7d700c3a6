export interface PlaygroundOptions {
  readonly port: string;
  /** File to write the page to. */
  readonly output?: string;
}
