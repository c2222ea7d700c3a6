/** An inclusive range of ports; for a single port `first` equals `last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}
