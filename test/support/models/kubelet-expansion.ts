/**
 * What Kubernetes makes of a container's argument: `$(NAME)` becomes the variable's value when there is one, `$$`
 * becomes `$`, everything else stays.
 */
export function expandLikeKubelet(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? match) : match;
  });
}
