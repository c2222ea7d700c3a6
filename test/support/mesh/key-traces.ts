/**
 * The beginning of every private key on the curve P-256 in PKCS #8 (RFC 5958): the same bytes in each of them. The key that follows
 * is different, and does not matter to whoever looks for keys.
 */
const der = Buffer.from('30818702010030130607', 'hex');

const base64 = der.toString('base64').slice(0, 12);

const forms: Readonly<Record<string, string>> = {
  'a label of PEM': 'PRIVATE KEY',
  'DER in base64': base64,
  'DER in hexadecimal digits': der.toString('hex'),
  'DER as it is': der.toString('latin1'),
};

/** Returns in which forms a text has private keys or parts of these texts: an empty list if it has none. */
export function secretsIn(text: string | Buffer, secrets: readonly string[]): readonly string[] {
  const read = typeof text === 'string' ? text : text.toString('latin1');
  const lower = read.toLowerCase();
  const keys = Object.entries(forms).filter(([name, form]) =>
    name.includes('hexadecimal') ? lower.includes(form) : read.includes(form),
  );
  const known = secrets.filter((secret) => read.includes(secret) || read.includes(btoa(secret).slice(0, -3)));
  return [...keys.map(([name]) => name), ...known.map((secret) => `"${secret}"`)];
}
