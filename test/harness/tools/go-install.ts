import { openCache } from './cache.ts';
import { prepareGoBuild } from './go-build.ts';
import type { Tool } from './tool.ts';

/** A program that a Go module has as it is. */
export interface InstalledProgram {
  readonly name: string;
  /** Package and version, as `go install` takes them. */
  readonly source: string;
  /** Variable by which tests and scripts find it. */
  readonly variable: string;
}

/** The oldest kustomize that deploy/ is written for, the one inside kubectl 1.27. */
export const oldKustomize: InstalledProgram = {
  name: 'kustomize',
  source: 'sigs.k8s.io/kustomize/kustomize/v5@v5.0.1',
  variable: 'OLD_KUSTOMIZE_BIN',
};

/** Puts images together and pushes them, without a container engine. */
export const crane: InstalledProgram = {
  name: 'crane',
  source: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1',
  variable: 'CRANE_BIN',
};

/** Finds mistakes in GitHub's workflows. */
export const actionlint: InstalledProgram = {
  name: 'actionlint',
  source: 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12',
  variable: 'ACTIONLINT_BIN',
};

/** Finds the program in the cache, or else builds it with Go, which takes a minute. */
export async function prepareInstalled({ name, source, variable }: InstalledProgram): Promise<Tool> {
  return prepareGoBuild({
    name,
    cache: openCache(name, [source]),
    variable,
    needs: `Go to build ${name}`,
    build: (folder) => ({
      command: ['go', 'install', '-trimpath', '-ldflags', '-s -w', source],
      options: { env: { CGO_ENABLED: '0', GOBIN: folder, GOFLAGS: '' } },
      what: `go install ${source}`,
    }),
  });
}
