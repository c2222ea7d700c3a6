/** A valid IPv4 address as a number. */
function readV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

/** A valid IPv6 address (RFC 4291 section 2.2, without a zone) as a number. */
function readV6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const tail = readV4(dotted[2]);
    return readV6(`${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

/** A valid address as a number, and its length in bits. */
function read(text: string): { readonly value: bigint; readonly bits: number } {
  return text.includes(':') ? { value: readV6(text), bits: 128 } : { value: readV4(text), bits: 32 };
}

/** Whether a valid address is in a valid CIDR; false if their families differ. */
export function isWithin(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const one = read(address);
  const other = read(network);
  if (one.bits !== other.bits) return false;
  const hostBits = BigInt(one.bits - Number(prefix));
  return one.value >> hostBits === other.value >> hostBits;
}
