/** The eight groups of a valid IPv6 address. The URL standard writes addresses in one form (RFC 5952). */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [read(head), read(tail ?? '')];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

/** Returns numbers of some bits each without what comes after the first bits of all. */
function masked(parts: readonly number[], width: number, length: number): readonly number[] {
  return parts.map((part, index) => {
    const kept = Math.min(width, Math.max(0, length - index * width));
    return part - (part % 2 ** (width - kept));
  });
}

/** A range of addresses. */
export interface Network {
  /** As Envoy writes it: the lowest address and the length of the prefix. */
  readonly text: string;
  readonly length: number;
}

/** Returns the range of a valid address or a valid CIDR. */
export function networkOf(block: string): Network {
  const [address = '', given] = block.split('/');
  if (!address.includes(':')) {
    const length = Number(given ?? 32);
    return { text: `${masked(address.split('.').map(Number), 8, length).join('.')}/${length}`, length };
  }
  const length = Number(given ?? 128);
  const hex = masked(groupsOf(address), 16, length)
    .map((group) => group.toString(16))
    .join(':');
  return { text: `${new URL(`http://[${hex}]`).hostname.slice(1, -1)}/${length}`, length };
}
