import type { Json, Operation } from '../../index.ts';

/** Adds the whole numbers in a value that a float may not hold. */
function addLarge(value: Json | undefined, large: Set<number>): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) large.add(value);
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) addLarge(inner, large);
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
