/** What to do about the errors of the library's parser, by the start of its message. */
const advices: readonly (readonly [RegExp, string])[] = [
  [/^Missing closing/, 'write it'],
  [/^Plain value cannot start with/, 'write quotes around the value'],
  [/^Tabs are not allowed/, 'write spaces'],
  [/^Nested mappings are not allowed/, 'write quotes around a text that has a colon and a blank'],
  [/^Block collections are not allowed within flow/, 'write quotes around the dash'],
  [/^Invalid escape sequence/, 'between double quotes a backslash is written \\\\, and other quotes need none'],
  [
    /^Implicit (?:map )?keys/,
    'write a colon and a blank after the key, and indent the lines of a text deeper than its key',
  ],
  [/^Unexpected .* at node end$/, 'indent the line as those that it belongs to, and write quotes around a whole text'],
  [/^All (?:mapping|sequence) items must start at the same column/, 'indent the line as those before it'],
  [/^Sequence item without - indicator/, 'indent the line as those that it belongs to'],
  [/^Tags and anchors must be separated/, 'write a blank after it'],
  [/^Block scalars with more-indented leading/, 'shorten the blank lines'],
];

/** An error of the library's parser with what to do about it. */
export function withAdvice(message: string): string {
  const advice = advices.find(([start]) => start.test(message))?.[1];
  return advice === undefined ? message : `${message}; ${advice}`;
}
