import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  stringsMember,
  type JsonObject,
} from '../../../src/json/json.ts';
import { findIstioSources } from './sources.ts';

/** What Istio makes of routes of Gateway API, as its own tests have it. */
export interface GatewayGolden {
  /** File and object. */
  readonly name: string;
  /** The host that is called: that of a Service, or one of a Gateway. */
  readonly host: string;
  /** The routes. */
  readonly routes: readonly JsonObject[];
  /** ReferenceGrants of the same file. */
  readonly grants: readonly JsonObject[];
  /** Its routes, in order: those of a VirtualService. */
  readonly http: readonly JsonObject[];
}

async function documents(file: string): Promise<readonly JsonObject[]> {
  return parseAllDocuments(await readFile(file, 'utf8'))
    .map((document): unknown => document.toJS())
    .filter(isObject);
}

function nameOf(object: JsonObject): string {
  const metadata = objectMember(object, 'metadata');
  return `${stringMember(object, 'kind')}/${stringMember(metadata, 'name')}.${stringMember(metadata, 'namespace')}`;
}

/** Returns the goldens in the module that the injector's program is built from; undefined where the module cannot be had. */
export async function readGatewayGoldens(): Promise<readonly GatewayGolden[] | undefined> {
  const sources = await findIstioSources();
  if (sources === undefined) return undefined;
  const folder = path.join(sources, 'pilot/pkg/config/kube/gateway/testdata');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  const goldens: GatewayGolden[] = [];
  for (const file of files) {
    const input = new Map((await documents(path.join(folder, file))).map((object) => [nameOf(object), object]));
    const output = await documents(path.join(folder, `${file}.golden`)).catch(() => []);
    for (const object of output) {
      const http = objectsMember(objectMember(object, 'spec'), 'http');
      const annotations = objectMember(objectMember(object, 'metadata'), 'annotations');
      const parents = (stringMember(annotations, 'internal.istio.io/parents') ?? '').split(',');
      const routes = parents.flatMap((name): readonly JsonObject[] => {
        const route = input.get(name);
        return route === undefined ? [] : [route];
      });
      if (http.length === 0 || routes.length < parents.length) continue;
      const grants = [...input.values()].filter((one) => one['kind'] === 'ReferenceGrant');
      const [host = ''] = stringsMember(objectMember(object, 'spec') ?? {}, 'hosts') ?? [];
      goldens.push({ host, name: `${file} ${nameOf(object)}`, routes, grants, http });
    }
  }
  return goldens;
}
