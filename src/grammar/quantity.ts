/** Powers of ten. */
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Maximum length of a quantity. Kubernetes has none, but no sensible quantity is longer. */
const longest = 32;

/**
 * Parses a Kubernetes quantity into base units (cores, bytes); undefined if the text is not a quantity. The syntax is
 * that of Quantity in k8s.io/apimachinery `api/resource`, without negative values, because no resource can be negative.
 */
export function parseQuantity(text: string): number | undefined {
  if (text.length > longest) return undefined;
  const match = /^\+?(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,3})|([KMGTPE]i)|([numkMGTPE]))?$/.exec(text);
  if (match === null) return undefined;
  const [, digits = '', exponent = '', binarySuffix = '', decimalSuffix = ''] = match;
  // As one number, so that equal quantities are equal: 9 * 0.001 is not 0.009.
  const power = exponent === '' ? `e${decimal[decimalSuffix] ?? 0}` : exponent;
  const value = Number(`${digits}${power}`) * (binary[binarySuffix] ?? 1);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * Returns the largest quantity not above the number as people write it: CPU in whole cores or millicores, anything else
 * with the suffix that gives the shortest exact text, such as `60Mi` or `64M`.
 */
export function quantityText(resource: string, amount: number): string {
  if (resource === 'cpu') {
    const millicores = Math.floor(amount * 1000 + 1e-6);
    return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
  }
  const value = Math.floor(amount);
  const exact = [...Object.entries(binary), ...Object.entries(decimal)]
    .filter(([suffix, scale]) => scale > 1 && suffix !== '' && value !== 0 && Number.isInteger(value / scale))
    .map(([suffix, scale]) => `${value / scale}${suffix}`);
  return [...exact, String(value)].reduce((best, text) => (text.length < best.length ? text : best));
}
