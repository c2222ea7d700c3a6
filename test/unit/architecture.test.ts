import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';

const source = path.join(root, 'src');

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function roomOf(file: string): string {
  const [first = '', second] = path.relative(source, file).split(path.sep);
  return second === undefined ? '(top)' : first;
}

const imports: Import[] = files(source).flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:(?<!\.)\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(
    ([, specifier = '']) => specifier,
  );
  return specifiers.map((specifier) => ({
    file: path.relative(root, file),
    room: roomOf(file),
    target: specifier.startsWith('.') ? `src/${roomOf(path.resolve(path.dirname(file), specifier))}` : specifier,
  }));
});

/** Which rooms a room may import besides itself. The edge rooms hang on the rooms that use them. */
const ground = ['json', 'grammar', 'pod'];
const engine = [...ground, 'settings', 'capture', 'envoy', 'sidecars', 'istio', 'injection'];
const below: Record<string, readonly string[]> = {
  json: [],
  grammar: ['json'],
  pod: ['grammar', 'json'],
  settings: ground,
  capture: [...ground, 'settings'],
  envoy: [...ground, 'settings'],
  sidecars: [...ground, 'settings', 'capture', 'envoy'],
  istio: [...ground, 'settings', 'capture'],
  injection: [...ground, 'settings', 'capture', 'envoy', 'sidecars', 'istio'],
  admission: engine,
  audit: engine,
  telemetry: engine,
  certs: [],
  kubernetes: [...ground, 'settings', 'certs'],
  mesh: [...ground, 'settings', 'envoy', 'certs', 'kubernetes'],
  yaml: ['json', 'grammar'],
  manifests: [...engine, 'yaml'],
  server: [...engine, 'admission', 'telemetry'],
  runtime: [...engine, 'admission', 'audit', 'telemetry', 'certs', 'kubernetes', 'server', 'mesh'],
  cli: [...engine, 'audit', '(top)', 'yaml', 'manifests', 'runtime', 'telemetry', 'certs', 'kubernetes', 'mesh'],
  '(top)': [...engine, 'cli'],
  playground: [...engine, '(top)', 'yaml', 'manifests', 'cli'],
};

/** Packages that only one room may import. */
const owners: Record<string, readonly string[]> = {
  '@kubernetes/client-node': ['kubernetes'],
  'node-forge': ['certs'],
  '@bufbuild/protobuf': ['mesh'],
  '@bufbuild/protobuf/reflect': ['mesh'],
  '@bufbuild/protobuf/wire': ['mesh'],
  '@bufbuild/protobuf/wkt': ['mesh'],
  '@prometheus-io/client': ['telemetry'],
  pino: ['telemetry'],
  fastify: ['server'],
  commander: ['cli'],
  diff: ['manifests', 'cli', 'playground'],
  yaml: ['yaml', 'manifests', 'runtime', 'grammar', 'cli', 'kubernetes'],
  re2js: ['mesh'],
  zod: ['settings', 'mesh', 'playground'],
  'fast-json-patch': ['injection', 'json', 'sidecars'],
};

const pure = new Set([...engine, 'admission', 'audit']);

describe('the house', () => {
  test('every room is known', () => {
    expect([...new Set(files(source).map(roomOf))].toSorted()).toEqual(Object.keys(below).toSorted());
  });

  test('every room has a row in docs/architecture.md', () => {
    const page = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, room = '']) => room);
    expect(rows.toSorted()).toEqual(
      Object.keys(below)
        .filter((room) => room !== '(top)')
        .toSorted(),
    );
  });

  test('arrows point one way', () => {
    const wrong = imports.filter(({ room, target }) => {
      if (!target.startsWith('src/')) return false;
      const other = target.slice(4);
      return other !== room && below[room]?.includes(other) !== true;
    });
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  test('no modules import each other in a circle, types included', () => {
    const graph = new Map(
      files(source).map((file) => [
        file,
        [...readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
          path.resolve(path.dirname(file), specifier),
        ),
      ]),
    );
    const settled = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file))
        circles.push([...way.slice(way.indexOf(file)), file].map((one) => path.relative(source, one)).join(' -> '));
      if (way.includes(file) || settled.has(file)) return;
      for (const target of graph.get(file) ?? []) visit(target, [...way, file]);
      settled.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('every package is imported by the rooms that own it', () => {
    const wrong = imports.filter(({ room, target }) => {
      if (target.startsWith('src/') || target.startsWith('node:')) return false;
      return owners[target]?.includes(room) !== true;
    });
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  test('pure rooms know no platform, no clock and no chance', () => {
    const platform = imports.filter(({ room, target }) => pure.has(room) && target.startsWith('node:'));
    expect(platform.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
    const forbidden =
      /\b(?:process|Buffer|setTimeout|setInterval|setImmediate|fetch|performance|console)\b\s*[.(]|\bnew Date\b|\bDate\.now\b|\bMath\.random\b|\bcrypto\./;
    const found = files(source)
      .filter((file) => pure.has(roomOf(file)))
      .filter((file) =>
        forbidden.test(readFileSync(file, 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g, '')),
      );
    expect(found.map((file) => path.relative(root, file))).toEqual([]);
  });

  /** Rooms within the control plane: what each may import besides itself. */
  const withinMesh: Record<string, readonly string[]> = {
    rules: [],
    world: ['rules'],
    plan: ['rules', 'world'],
    report: ['plan', 'rules', 'world'],
    resources: ['plan', 'world'],
    explain: ['plan', 'resources', 'rules', 'world'],
    wire: ['resources'],
    stream: ['resources'],
    identity: ['resources', 'world'],
    serve: ['identity', 'plan', 'report', 'resources', 'rules', 'stream', 'wire', 'world'],
  };
  const meshRoom = (file: string): string => path.relative(path.join(source, 'mesh'), file).split(path.sep)[0] ?? '';

  test('within the control plane, too', () => {
    const inside = files(path.join(source, 'mesh'));
    expect([...new Set(inside.map(meshRoom))].toSorted()).toEqual(Object.keys(withinMesh).toSorted());
    const wrong = inside.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)].flatMap(([, specifier = '']) => {
        const target = meshRoom(path.resolve(path.dirname(file), specifier));
        if (target === '..' || target === meshRoom(file)) return [];
        return withinMesh[meshRoom(file)]?.includes(target) === true
          ? []
          : [`${path.relative(root, file)} -> ${target}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('what the control plane decides knows no platform', () => {
    const decides = files(path.join(source, 'mesh')).filter((file) =>
      ['rules', 'world', 'plan', 'resources', 'explain', 'stream'].includes(meshRoom(file)),
    );
    const found = decides.filter((file) =>
      /from 'node:|\bDate\b(?!\.parse)|Math\.random|setTimeout/.test(readFileSync(file, 'utf8')),
    );
    expect(found.map((file) => path.relative(root, file))).toEqual([]);
  });

  test('the engine as a library pulls in nothing of the edge', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/\bfrom\s+'(\.[^']+)'/g)) {
        visit(path.resolve(path.dirname(file), specifier));
      }
    };
    visit(path.join(source, 'index.ts'));
    expect([...new Set([...reached].map(roomOf))].toSorted()).toEqual(['(top)', ...engine].toSorted());
  });

  test('the page to try it pulls in nothing of Node', () => {
    const reached = new Set<string>();
    const platform: string[] = [];
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      // Types are gone in the bundle.
      const text = readFileSync(file, 'utf8').replaceAll(/^import type [^;]*;/gm, '');
      for (const [, specifier = ''] of text.matchAll(/\bfrom\s+'([^']+)'/g)) {
        if (specifier.startsWith('node:')) platform.push(`${path.relative(root, file)} -> ${specifier}`);
        if (specifier.startsWith('.')) visit(path.resolve(path.dirname(file), specifier));
      }
    };
    for (const entry of ['main.ts', 'worker.ts']) visit(path.join(source, 'playground/page', entry));
    expect(platform).toEqual([]);
    expect([...reached].map(roomOf)).toContain('injection');
  });

  test('files stay small enough to be read at once', () => {
    const long = files(source).filter((file) => readFileSync(file, 'utf8').split('\n').length > 301);
    expect(long.map((file) => path.relative(root, file))).toEqual([]);
  });
});
