/**
 * Returns the 64-bit FNV-1a hash of the text's UTF-16 code units (draft-eastlake-fnv, section 2), as 16 hex digits. It
 * identifies versions of settings and assigns owners to canaries; it offers no protection.
 */
export function hashText(text: string): string {
  // Two 32-bit halves: BigInt takes ten times as long on a large settings file.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let index = 0; index < text.length; index++) {
    low = (low ^ text.charCodeAt(index)) >>> 0;
    // Multiplies by 0x100000001b3 modulo 2^64.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.imul(low, 0x100) + Math.floor(product / 0x1_0000_0000)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
