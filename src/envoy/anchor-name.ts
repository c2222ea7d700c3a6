const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Names of anchors, the shortest first: the text is stored in every pod. */
export function anchorName(place: number): string {
  const last = letters[place % letters.length] ?? '';
  return place < letters.length ? last : anchorName(Math.trunc(place / letters.length) - 1) + last;
}
