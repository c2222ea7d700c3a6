/** The sentence of whatever was thrown; also of errors from another realm, which are not `instanceof Error` here. */
export function messageOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError && typeof error.message === 'string' ? error.message : String(error);
}
