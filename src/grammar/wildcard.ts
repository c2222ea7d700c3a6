/** Whether the name matches a pattern in which `*` stands for zero or more characters. Linear time, no backtracking. */
export function matchesWildcard(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  const [head = '', ...parts] = pattern.split('*');
  if (!name.startsWith(head)) return false;
  const tail = parts.pop() ?? '';
  let from = head.length;
  for (const part of parts) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - tail.length >= from && name.endsWith(tail);
}
