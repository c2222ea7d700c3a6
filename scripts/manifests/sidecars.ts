import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../checkout.ts';

/** The generated file, relative to the checkout. */
export const sidecarsFile = 'deploy/sidecars/kustomization.yaml';

const folder = path.join(root, path.dirname(sidecarsFile));

const header = `# Generated from the folders beside it by \`make manifests\`; do not edit.
# The sidecars that ship with the injector, as the ConfigMap that it reads: each key a file of SidecarTemplate objects.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
generatorOptions:
  disableNameSuffixHash: true
configMapGenerator:
  - name: sidecar-injector-sidecars
    files:
`;

/** What the documentation says of one template that ships. */
export interface ShippedTemplate {
  /** `<name>` or `<name>:<version>`, as pods write it. */
  readonly reference: string;
  readonly description: string;
}

/** Names of the sidecars that ship: the folders of `deploy/sidecars`. */
export function shippedNames(): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** The templates of one of them, in the order of its file. */
export function shippedTemplates(name: string): readonly ShippedTemplate[] {
  const text = readFileSync(path.join(folder, name, 'template.yaml'), 'utf8');
  return parseAllDocuments(text, { version: '1.1' }).map((document) => {
    const { metadata, spec } = document.toJS() as {
      metadata: { name: string };
      spec: { version?: string; description: string };
    };
    const version = spec.version === undefined ? '' : `:${spec.version}`;
    return { reference: metadata.name + version, description: spec.description };
  });
}

/** The text that the kustomization of the shipped sidecars has to be. */
export function renderSidecars(): string {
  return (
    header +
    shippedNames()
      .map((name) => `      - ${name}.yaml=${name}/template.yaml\n`)
      .join('')
  );
}
