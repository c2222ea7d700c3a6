/** Headers by name in lower case, each with its values in order. */
export type HeaderValues = ReadonlyMap<string, readonly string[]>;

/** What is done to one header; no value if it is that of a header of the request that is not there, so that nothing is done. */
interface Change {
  readonly verb: string;
  readonly name: string;
  readonly value: string | undefined;
}

function changeOf(words: string): Change {
  const [, verb = '', name = '', text = ''] = /^(remove|set|add) ([^:]+)(?:: ?(.*))?$/s.exec(words) ?? [];
  const value = /%REQ\(/.test(text) ? undefined : text.replaceAll('%%', '%');
  return { verb, name: name.toLowerCase(), value };
}

/**
 * Returns what headers are after changes as `mesh explain` words them: those of each place one after the other, in each of them first what is taken out.
 * Commands in values are those for a header that requests do not have.
 */
export function changedHeaders(headers: HeaderValues, places: readonly (readonly string[])[]): HeaderValues {
  const found = new Map(headers);
  const changes = places.flatMap((words) => {
    const all = words.map(changeOf);
    return [...all.filter(({ verb }) => verb === 'remove'), ...all.filter(({ verb }) => verb !== 'remove')];
  });
  for (const { verb, name, value } of changes) {
    if (verb === 'remove') found.delete(name);
    else if (value !== undefined) found.set(name, verb === 'set' ? [value] : [...(found.get(name) ?? []), value]);
  }
  return found;
}
