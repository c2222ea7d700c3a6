import { root } from '../../../scripts/checkout.ts';
import { openCache, readPin } from './cache.ts';
import { read, run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

const moduleFolder = 'test/istio/program';
/** Each by its name and its package. */
const programs = {
  'istio-injector': '.',
  'istio-authorization': './authorization',
  'istio-routes': './routes',
} as const;
const files = [
  'go.mod',
  'go.sum',
  'inject.go',
  'main.go',
  'settings.go',
  'authorization/main.go',
  'lines/lines.go',
  'routes/main.go',
];

/**
 * Finds the programs that inject with Istio's own injector, and translate policies and routes as istiod does: in the cache, else built with Go, which takes
 * minutes. They are missing where Istio's module cannot be had.
 */
export async function prepareIstioInjector(): Promise<Tool> {
  const pins = await Promise.all(files.map((name) => readPin(`${moduleFolder}/${name}`)));
  const cache = openCache('istio-injector', pins);
  const ready: Tool = {
    state: 'ready',
    env: {
      ISTIO_INJECTOR_BIN: cache.path('istio-injector'),
      ISTIO_AUTHORIZATION_BIN: cache.path('istio-authorization'),
      ISTIO_ROUTES_BIN: cache.path('istio-routes'),
    },
  };
  const names = Object.keys(programs);
  if (names.every((name) => cache.has(name))) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs: 'Go 1.26 to build Istio’s injector' };
  const cwd = `${root}/${moduleFolder}`;
  const modules = await read(['go', '-C', cwd, 'mod', 'download', '-json', 'istio.io/istio']);
  if (modules === undefined) return { state: 'missing', needs: 'the Go module istio.io/istio, which is not to be had' };
  const startMs = Date.now();
  say('building Istio’s injector in the background');
  try {
    await cache.add(names, async (folder) => {
      for (const [name, source] of Object.entries(programs)) {
        const build = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/${name}`, source] as const;
        if ((await run(build, { cwd, env: { CGO_ENABLED: '0' } })) !== 0) throw new Error(`go build ${cwd} failed`);
      }
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`Istio’s injector ready after ${seconds(startMs)}`);
  return ready;
}
