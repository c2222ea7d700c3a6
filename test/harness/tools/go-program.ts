import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { prepareGoBuild } from './go-build.ts';
import type { Tool } from './tool.ts';

/** A program of one Go file that tests call. */
export interface GoProgram {
  readonly name: string;
  /** Folder of its module, relative to the checkout. */
  readonly folder: string;
  /** Variable by which tests find it. */
  readonly variable: string;
}

/** Reads manifests as kubectl does. */
export const yamlReader: GoProgram = {
  name: 'yaml-reader',
  folder: 'test/apiserver/yaml-reader',
  variable: 'YAML_READER_BIN',
};

/** Reads dashboards by Grafana's own schema. */
export const dashboardReader: GoProgram = {
  name: 'dashboard-reader',
  folder: 'test/apiserver/dashboard-reader',
  variable: 'DASHBOARD_READER_BIN',
};

/** The OpenTelemetry collector, with the parts that the example needs. */
export const collector: GoProgram = {
  name: 'collector',
  folder: 'test/collectors/collector',
  variable: 'COLLECTOR_BIN',
};

/** Finds the program in the cache, or else builds it with Go. */
export async function prepareGoProgram({ name, folder, variable }: GoProgram): Promise<Tool> {
  const pins = await Promise.all(['go.mod', 'go.sum', 'main.go'].map((file) => readPin(`${folder}/${file}`)));
  return prepareGoBuild({
    name,
    cache: openCache(name, pins),
    variable,
    needs: `Go 1.26 to build ${name}`,
    build: (target) => ({
      command: ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${target}/${name}`, '.'],
      options: { cwd: `${root}/${folder}`, env: { CGO_ENABLED: '0' } },
      what: `go build ${folder}`,
    }),
  });
}
