import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import {
  documentedStreams,
  streamShapePorts,
  testStreamShapes,
} from '../support/network/as-without-a-proxy/http2-shapes.ts';
import { serveStreams, streamPorts, testStreams } from '../support/network/as-without-a-proxy/http2-streams.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const excluded = [...Object.values(streamPorts.plain), streamShapePorts.plain].join(',');
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': excluded,
    'traffic.sidecar.istio.io/excludeOutboundPorts': excluded,
  };
  scene = await openScene({ label: 'http2', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    await serveStreams(agent);
    for (const port of Object.values(streamShapePorts)) await agent.listen({ kind: 'streams', port });
  }
});

afterAll(() => scene.stop());

test.each(Object.keys(documentedStreams))('%s: the documentation has a row', (row) => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/data-plane.md'), 'utf8');
  expect(page).toMatch(new RegExp(`^\\| ${row} +\\|`, 'm'));
});

describe.each(directions)('%s', (direction) => {
  testStreams(() => lineOf(scene, direction));
  testStreamShapes(() => lineOf(scene, direction));
});
