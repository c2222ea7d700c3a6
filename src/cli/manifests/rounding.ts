import type { Json, Operation } from '../../index.ts';

function* numbersIn(value: Json | undefined): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* numbersIn(inner);
}

/**
 * Warnings about whole numbers above 2^53 in what operations add, which are not what the input says if it has other
 * digits. Numbers that no operation touches keep theirs.
 */
export function roundingNotes(operations: readonly Operation[]): string[] {
  const added = operations.flatMap((operation) => ('value' in operation ? [...numbersIn(operation.value)] : []));
  const rounded = new Set(added.filter((number) => Number.isInteger(number) && !Number.isSafeInteger(number)));
  return [...rounded].map(
    (number) =>
      `warning: ${BigInt(number)} may have had other digits: whole numbers above ${Number.MAX_SAFE_INTEGER} are rounded in a container that is moved or given back`,
  );
}
