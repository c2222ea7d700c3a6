import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { prepareGoBuild } from './go-build.ts';
import type { Tool } from './tool.ts';

/** A program that tests call, built from a Go module of this project. */
export interface GoProgram {
  readonly name: string;
  /** Folder of its module, relative to the checkout. */
  readonly folder: string;
  /** The package: the one file `main.go` of the module, or a package of another module that it pins. Default: that file. */
  readonly source?: string;
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

/** Jaeger as its image has it, without the pages of its user interface, which its module does not have. */
export const jaeger: GoProgram = {
  name: 'jaeger',
  folder: 'test/jaeger/program',
  source: 'github.com/jaegertracing/jaeger/cmd/jaeger',
  variable: 'JAEGER_BIN',
};

/** Finds the program in the cache, or else builds it with Go. */
export async function prepareGoProgram({ name, folder, variable, source = '.' }: GoProgram): Promise<Tool> {
  const files = ['go.mod', 'go.sum', ...(source === '.' ? ['main.go'] : [])];
  const pins = await Promise.all(files.map((file) => readPin(`${folder}/${file}`)));
  return prepareGoBuild({
    name,
    cache: openCache(name, pins),
    variable,
    needs: `Go 1.26 to build ${name}`,
    build: (target) => ({
      command: ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${target}/${name}`, source],
      options: { cwd: `${root}/${folder}`, env: { CGO_ENABLED: '0' } },
      what: `go build ${folder}`,
    }),
  });
}
