import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../scripts/checkout.ts';
import { isObject, type JsonObject } from '../../../src/json/json.ts';
import { read } from '../../harness/tools/command.ts';

/** Policies of Istio's own tests, and the filters that istiod makes of them. */
export interface AuthorizationGolden {
  readonly name: string;
  readonly policies: readonly JsonObject[];
  readonly filters: readonly JsonObject[];
}

async function documents(file: string): Promise<readonly JsonObject[]> {
  return parseAllDocuments(await readFile(file, 'utf8'))
    .map((document): unknown => document.toJS())
    .filter(isObject);
}

/**
 * Returns the goldens of policies without an external authorizer, in the module that the programs beside Istio are built from.
 *
 * @param of requests, or connections without HTTP
 */
export async function readAuthorizationGoldens(of: 'http' | 'tcp'): Promise<readonly AuthorizationGolden[]> {
  const program = path.join(root, 'test/istio/program');
  const sources = await read(['go', '-C', program, 'list', '-m', '-f', '{{.Dir}}', 'istio.io/istio']);
  if (sources === undefined) throw new Error('the Go module istio.io/istio is not to be had');
  const folder = path.join(sources, 'pilot/pkg/security/authz/builder/testdata', of);
  const files = (await readdir(folder)).toSorted();
  const names = files.flatMap((file) => /^(?!custom)(.*)-in\.yaml$/.exec(file)?.[1] ?? []);
  return Promise.all(
    names.map(async (name) => {
      const outputs = files.filter((file) => new RegExp(`^${name}-out\\d?\\.yaml$`).test(file));
      return {
        name,
        policies: await documents(path.join(folder, `${name}-in.yaml`)),
        filters: (await Promise.all(outputs.map(async (file) => documents(path.join(folder, file))))).flat(),
      };
    }),
  );
}
