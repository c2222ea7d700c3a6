/** The tier of a test file, `test/<tier>/…`. */
export function tierOf(file: string): string {
  const [, tier = ''] = file.split('/');
  return tier;
}
