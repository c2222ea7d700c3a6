/** Proxies that get something that comes from an object, and those of them that hold the newest version of all of it. */
export interface Progress {
  readonly proxies: number;
  readonly holding: number;
}
