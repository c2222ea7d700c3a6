const usual = /^\/[\w./?=&-]*$/;
const escape = /%(?![0-9a-fA-F]{2})/;
const unfit = /[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%[\]]/gu;

/**
 * Path and query that the kubelet would put on the wire for a probe's `path`: a leading slash, no fragment, everything
 * that is not allowed in a URL percent-encoded. A path that is no URL (a stray `%`) is taken literally as a whole.
 */
export function probeTarget(path: string): string {
  if (usual.test(path)) return path;
  const literal = escape.test(path);
  const text = literal ? path.replace(/[%?#]/g, encodeURIComponent) : path.replace(/#.*$/s, '');
  const encoded = text.toWellFormed().replace(unfit, encodeURIComponent);
  return encoded.startsWith('/') ? encoded : `/${encoded}`;
}
