/** The message of a thrown value. Also works for errors of another realm, which are not `instanceof Error`. */
export function messageOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError && typeof error.message === 'string' ? error.message : String(error);
}
