/** Inclusive range of TCP ports; one port has `first` equal to `last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}
