import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import {
  describeHttp1Shapes,
  serveShapes,
  shapePorts,
  shapesByKind,
} from '../support/network/as-without-a-proxy/http1-shapes.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { documentedDifferences } from '../support/network/http1-shapes/differences.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(shapePorts.plain),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(shapePorts.plain),
  };
  // Far longer than any exchange takes, so that nothing passes as TCP because the proxy has given up.
  const settings = { proxy: { protocolDetectionTimeoutMs: 60_000 } };
  scene = await openScene({ label: 'shapes', pod: podWith({ annotations }), settings });
  for (const direction of directions) await serveShapes(lineOf(scene, direction));
});

afterAll(() => scene.stop());

describe('documented differences', () => {
  test.each(Object.keys(documentedDifferences))('%s: the documentation has a row', (row) => {
    const page = readFileSync(path.join(import.meta.dirname, '../../docs/data-plane.md'), 'utf8');
    expect(page).toMatch(new RegExp(`^\\| ${row} +\\|`, 'm'));
  });

  test('each is of a shape', () => {
    const names = Object.entries(shapesByKind).flatMap(([kind, shapes]) =>
      shapes.map(({ name }) => `${kind}: ${name}`),
    );
    expect(new Set(names).size).toBe(names.length);
    const documented = Object.values(documentedDifferences).flatMap((row) => Object.keys(row));
    expect(documented.filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe.each(directions)('%s', (direction) => {
  describeHttp1Shapes(() => lineOf(scene, direction));
});
