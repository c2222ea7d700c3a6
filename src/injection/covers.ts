import { isObject, stringMember, type Json } from '../json/json.ts';
import { parseQuantity } from '../grammar/quantity.ts';

function isEmpty(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function isSameQuantity(left: Json | undefined, right: Json): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  const amount = parseQuantity(left);
  return amount !== undefined && amount === parseQuantity(right);
}

/**
 * Whether a stored value has everything of a wanted one. The API server stores more than it was given: defaults, and what
 * other webhooks add; it leaves out what is empty, and writes quantities in its own form.
 */
export function covers(stored: Json | undefined, wanted: Json): boolean {
  if (stored === undefined) return isEmpty(wanted);
  if (Array.isArray(wanted)) {
    const [list, items] = [stored, wanted as readonly Json[]];
    if (!Array.isArray(list)) return false;
    const all = list as readonly Json[];
    const areNamed = items.every((item) => isObject(item) && stringMember(item, 'name') !== undefined);
    if (areNamed) return items.every((item) => all.some((one) => covers(one, item)));
    return all.length === items.length && items.every((item, index) => covers(all[index], item));
  }
  if (isObject(wanted)) {
    return isObject(stored) && Object.entries(wanted).every(([key, value]) => covers(stored[key], value ?? null));
  }
  return stored === wanted || isSameQuantity(stored, wanted);
}
