/**
 * 64-bit FNV-1a of the text's UTF-16 units, as 16 hex digits (draft-eastlake-fnv, section 2). It tells versions of
 * settings apart; it protects nothing.
 */
export function hashText(text: string): string {
  // Two halves of 32 bits: BigInt costs ten times as much on a large settings file.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let index = 0; index < text.length; index++) {
    low = (low ^ text.charCodeAt(index)) >>> 0;
    // Times 0x100000001b3 modulo 2^64.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.imul(low, 0x100) + Math.floor(product / 0x1_0000_0000)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
