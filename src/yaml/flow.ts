import { isCollection, isNode, isPair, isScalar, Scalar, visit, YAMLMap, YAMLSeq, type Node, type Pair } from 'yaml';
import { parsedItems, type Page } from './extent.ts';
import { printInline } from './print.ts';
import { materialiseBelow, type Collection } from './tree.ts';

/**
 * Quotes new scalars that contain a colon. YAML 1.2 needs quotes only if a blank or bracket follows (section 7.3.3),
 * but the parsers of kubectl and of Python reject a plain `::6` between brackets.
 */
export function quoteColons(collection: Collection): void {
  visit(collection, {
    Scalar(_, scalar) {
      const { value, type } = scalar;
      if (type !== undefined || typeof value !== 'string' || !value.includes(':')) return;
      scalar.type = value.includes('"') ? Scalar.QUOTE_SINGLE : Scalar.QUOTE_DOUBLE;
    },
  });
}

/** Prints the only item of a flow collection without the brackets. */
function printBare(page: Page, collection: Collection): string {
  collection.flow = true;
  materialiseBelow(page.document, page.changes, collection);
  quoteColons(collection);
  return printInline(collection, 0, page.layout).slice(1, -1).trim();
}

function printNew(page: Page, item: unknown): string {
  const holder = isPair(item) ? new YAMLMap() : new YAMLSeq();
  holder.items.push(item as Pair & Node);
  return printBare(page, holder);
}

function printValue(page: Page, pair: Pair): string {
  const former = page.changes.formerValues.get(pair);
  const value = page.changes.values.get(pair.value);
  const list = new YAMLSeq();
  if (isScalar(former) && value !== undefined && (typeof value !== 'object' || value === null)) {
    const scalar = new Scalar(value);
    if (former.type === Scalar.QUOTE_SINGLE || former.type === Scalar.QUOTE_DOUBLE) scalar.type = former.type;
    list.items.push(scalar);
  } else {
    list.items.push(pair.value);
  }
  return printBare(page, list);
}

/** Whether something in the collection changed. */
function isTouched(page: Page, collection: Collection): boolean {
  const { parsedItems: changed, owners } = page.changes;
  for (const one of changed.keys()) {
    for (let at: Collection | undefined = one; at !== undefined; at = owners.get(at)?.collection) {
      if (at === collection) return true;
    }
  }
  return false;
}

/** A parsed item and where it stands. Offsets of the white space before it, of its first and behind its last character. */
interface Place {
  readonly lead: string;
  readonly from: number;
  readonly to: number;
  readonly tail: string;
}

function placesOf(page: Page, items: readonly unknown[], start: number): Map<unknown, Place> | undefined {
  const places = new Map<unknown, Place>();
  let at = start;
  for (const [index, item] of items.entries()) {
    const first = isPair(item) ? item.key : item;
    const value = isPair(item) && page.changes.formerValues.has(item) ? page.changes.formerValues.get(item) : item;
    const last = isPair(value) ? (value.value ?? value.key) : value;
    const from = isNode(first) ? first.range?.[0] : undefined;
    const to = isNode(last) ? last.range?.[1] : undefined;
    if (from === undefined || to === undefined) return undefined;
    const isLast = index === items.length - 1;
    const comma = isLast ? to : page.text.indexOf(',', to);
    const place = { lead: page.text.slice(at, from), from, to, tail: page.text.slice(to, comma) };
    if (place.tail.trim() !== '' || place.lead.replaceAll(/#.*/g, '').trim() !== '') return undefined;
    places.set(item, place);
    at = isLast ? to : comma + 1;
  }
  return places;
}

function itemText(page: Page, item: unknown, place: Place): string | undefined {
  const { text, changes } = page;
  if (isPair(item) && changes.formerValues.has(item)) {
    const former = changes.formerValues.get(item);
    const value = isNode(former) ? former.range?.[0] : undefined;
    const head = value === undefined ? '' : text.slice(place.from, value);
    return /^[^#]*:\s+$/.test(head) || head.endsWith('":') ? head + printValue(page, item) : undefined;
  }
  const inner = isPair(item) ? item.value : item;
  if (!isCollection(inner) || !isTouched(page, inner)) return text.slice(place.from, place.to);
  const changed = flowText(page, inner);
  return changed === undefined ? undefined : text.slice(place.from, inner.range?.[0]) + changed;
}

/** The line break and indentation of a lead with comments, or the lead itself. */
function withoutComments(lead: string): string {
  return lead.includes('#') ? (/\r?\n[ \t]*$/.exec(lead)?.[0] ?? ' ') : lead;
}

/** Whether a comment stands before an item that is taken away, or before the one that comes first because of it. */
function losesComment(
  parsed: readonly unknown[],
  places: ReadonlyMap<unknown, Place>,
  kept: ReadonlySet<unknown>,
): boolean {
  const [first] = parsed;
  const isFirstGone = !kept.has(first);
  const next = parsed.find((item) => kept.has(item));
  return parsed.some(
    (item) => (!kept.has(item) || (isFirstGone && item === next)) && places.get(item)?.lead.includes('#') === true,
  );
}

/**
 * Text of a changed flow collection in which what did not change keeps its bytes. Undefined if it has unusual notation,
 * or comments beside what is taken away; then the library prints it.
 */
export function flowText(page: Page, collection: Collection): string | undefined {
  const [from, to] = collection.range ?? [0, 0];
  const open = page.text[from];
  if (open !== '{' && open !== '[') return undefined;
  const parsed = parsedItems(page, collection);
  const places = placesOf(page, parsed, from + 1);
  if (places === undefined) return undefined;
  const formerOf = (item: unknown): unknown => (isPair(item) ? page.changes.successors.get(item) : undefined) ?? item;
  const kept = new Set<unknown>(collection.items.map(formerOf));
  if (losesComment(parsed, places, kept)) return undefined;
  if (kept.size === 0) return page.text.slice(from, to).includes('#') ? undefined : open === '{' ? '{}' : '[]';
  const [first, second] = places.values();
  const padding = page.layout.flowPadding && open === '{' ? ' ' : '';
  const firstLead = first?.lead ?? padding;
  const otherLead = withoutComments(second?.lead ?? (firstLead.includes('\n') ? firstLead : ' '));
  const texts: string[] = [];
  for (const item of collection.items as readonly unknown[]) {
    const place = places.get(formerOf(item));
    const isParsed = places.has(item);
    const text = place === undefined || !isParsed ? printNew(page, item) : itemText(page, item, place);
    if (text === undefined) return undefined;
    const own = place === first ? undefined : place?.lead;
    texts.push((texts.length === 0 ? firstLead : (own ?? otherLead)) + text + (place?.tail ?? ''));
  }
  const end = [...places.values()].at(-1)?.to;
  const closing = end === undefined ? padding : page.text.slice(end, to - 1);
  return open + texts.join(',') + closing + page.text.slice(to - 1, to);
}
