import type { Json, Operation } from '../../index.ts';

const quantities: ReadonlySet<string> = new Set(['requests', 'limits']);

/** Adds the whole numbers in a value that a float may not hold. The injector writes quantities as texts. */
function addLarge(value: Json | undefined, large: Set<number>, isQuantity = false): void {
  const number = isQuantity && typeof value === 'string' && String(Number(value)) === value ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && !Number.isSafeInteger(number)) large.add(number);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) addLarge(inner, large, isQuantity || quantities.has(key));
}

/**
 * Warnings about whole numbers above 2^53 in what operations add, which are not what the input says if it has other
 * digits. Numbers that no operation touches keep theirs.
 */
export function roundingWarnings(operations: readonly Operation[]): string[] {
  const rounded = new Set<number>();
  for (const operation of operations) if ('value' in operation) addLarge(operation.value, rounded);
  return [...rounded].map(
    (number) =>
      `${BigInt(number)} may have had other digits: whole numbers above ${Number.MAX_SAFE_INTEGER} are rounded in a container that is moved or given back`,
  );
}
