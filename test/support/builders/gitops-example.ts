interface Example {
  readonly kind?: string;
  readonly spec?: { readonly source?: { readonly path?: string }; readonly path?: string };
}

/** The folder of this repository that an Application of Argo CD or a Kustomization of Flux applies. */
export function installation(documents: readonly Example[]): string {
  const paths = documents.map(({ spec }) => spec?.source?.path ?? spec?.path).filter((path) => path !== undefined);
  return (paths[0] ?? '').replace(/^\.\//, '');
}
