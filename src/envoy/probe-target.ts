const usual = /^\/[\w./?=&-]*$/;
const escape = /%(?![0-9a-fA-F]{2})/;
const unfit = /[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%[\]]/gu;

/**
 * Returns the path and query that the kubelet would send for a probe's `path`: with a leading slash, without a
 * fragment, and with everything percent-encoded that a URL does not allow. A path that is not a valid URL (a stray `%`)
 * is taken literally as a whole.
 */
export function probeTarget(path: string): string {
  if (usual.test(path)) return path;
  const literal = escape.test(path);
  const text = literal ? path.replace(/[%?#]/g, encodeURIComponent) : path.replace(/#.*$/s, '');
  const encoded = text.toWellFormed().replace(unfit, encodeURIComponent);
  return encoded.startsWith('/') ? encoded : `/${encoded}`;
}
