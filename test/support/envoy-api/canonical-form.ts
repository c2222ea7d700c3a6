import { isObject, type Json } from '../../../src/json/json.ts';

const seconds = /^(\d+(?:\.\d+)?)s$/;

/** What protobuf leaves out: the default of a field without presence. */
function isDefault(value: Json): boolean {
  return value === false || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Whether a scalar is printed in another of the forms that the JSON mapping of protobuf allows for the same value. */
function isOtherForm(written: Json, printed: Json): boolean {
  // 64 bits are more than a JSON number holds, so they are printed as text.
  if (typeof written === 'number') return Number.isSafeInteger(written) && printed === String(written);
  if (typeof written !== 'string' || typeof printed !== 'string') return false;
  // Durations are printed with no, three, six or nine digits.
  const [one, other] = [written, printed].map((text) => seconds.exec(text)?.[1]);
  return one !== undefined && other !== undefined && Number(one) === Number(other);
}

/**
 * Where a message that was printed as canonical JSON says something else than the object it was read from. Three things
 * are no difference, because the JSON mapping of protobuf prints them in one form whatever was read: a default that it
 * leaves out, an integer of 64 bits as text, and the digits of a duration.
 */
export function differencesOf(written: Json, printed: Json | undefined, path = ''): readonly string[] {
  if (printed === undefined) return isDefault(written) ? [] : [`${path}: ${JSON.stringify(written)} is not printed`];
  if (Array.isArray(written) && Array.isArray(printed) && written.length === printed.length) {
    return (written as readonly Json[]).flatMap((item, index) =>
      differencesOf(item, (printed as readonly Json[])[index], `${path}/${index}`),
    );
  }
  if (isObject(written) && isObject(printed)) {
    const more = Object.keys(printed).filter((key) => !Object.hasOwn(written, key));
    return [
      ...more.map((key) => `${path}/${key}: ${JSON.stringify(printed[key])} is printed`),
      ...Object.entries(written).flatMap(([key, value]) =>
        differencesOf(value ?? null, Object.hasOwn(printed, key) ? printed[key] : undefined, `${path}/${key}`),
      ),
    ];
  }
  if (written === printed || isOtherForm(written, printed)) return [];
  return [`${path}: ${JSON.stringify(written)} is printed as ${JSON.stringify(printed)}`];
}
