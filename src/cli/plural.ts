/** Returns how many there are, in words: `1 pod`, `2 pods`. */
export function plural(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
