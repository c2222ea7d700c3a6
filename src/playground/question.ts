/** Everything that the page asks about: what its link carries, and what decides the answer. */
export interface Question {
  /** Manifests as YAML or JSON, any number of documents. */
  readonly manifest: string;
  /** An `InjectorConfiguration` and `SidecarTemplate` objects, any number of documents; empty for the built-in settings. */
  readonly settings: string;
  /** Namespace of objects that do not name one. */
  readonly namespace: string;
  /** Labels of the namespace, as `key=value,key=value`. */
  readonly namespaceLabels: string;
}

/** Characters of manifests and settings that are looked at; more than any real manifest has. */
export const mostCharacters = 1_000_000;

/** Returns what is too long, as sentences. */
export function findTooLong({ manifest, settings }: Question): readonly string[] {
  return Object.entries({ manifest, settings }).flatMap(([name, { length }]) => {
    if (length <= mostCharacters) return [];
    const most = mostCharacters.toLocaleString('en');
    return `the ${name}: has ${length.toLocaleString('en')} characters; allowed here: at most ${most}. The command line takes more`;
  });
}
