import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readStage } from '../../harness/cluster/images/dockerfile.ts';
import { root } from '../../../scripts/checkout.ts';

const readOwn = () => readFile(path.join(root, 'Dockerfile'), 'utf8');

describe('the images that are assembled without Docker', () => {
  test('the injector has what the Dockerfile says', async () => {
    expect(readStage(await readOwn(), 'injector')).toEqual({
      base: 'gcr.io/distroless/nodejs24-debian12:nonroot',
      packages: [],
      copies: [{ stage: 'build', from: '/build/dist/', to: '/app/' }],
      config: {
        WorkingDir: '/app',
        Env: ['NODE_ENV=production', 'NODE_OPTIONS=--max-semi-space-size=8', 'MALLOC_ARENA_MAX=1'],
        User: '65532:65532',
        ExposedPorts: { '8443/tcp': {}, '9090/tcp': {} },
        Entrypoint: ['/nodejs/bin/node', '--no-maglev', '/app/sidecar-injector.mjs'],
        Cmd: ['serve'],
      },
    });
  });

  test('the init image has its packages and its scripts', async () => {
    const { base, packages, copies, config } = readStage(await readOwn(), 'init');
    expect(base).toBe('debian:bookworm-slim');
    expect(packages).toEqual(expect.arrayContaining(['iptables', 'nftables', 'iproute2']));
    expect(copies).toEqual([
      { from: 'deploy/images/capture.sh', to: '/usr/local/bin/capture', mode: 0o755 },
      { from: 'deploy/images/try-connection.pl', to: '/usr/local/bin/try-connection.pl', mode: 0o755 },
    ]);
    expect(config).toEqual({ Entrypoint: ['/usr/local/bin/capture'] });
  });
});

describe('an instruction that would be left out is refused', () => {
  test.each([
    ['RUN curl -o /x https://example.com', 'RUN curl -o /x https://example.com: only the installation'],
    ['RUN apt-get update && apt-get install -y curl', 'only the installation of Debian packages is known'],
    ['VOLUME /data', 'VOLUME /data: not known'],
    ['COPY --chown=1:1 a /b', '--chown=1:1 is not known'],
    ['COPY a b /c/', 'COPY a b /c/: not one source'],
  ])('%s', (line, message) => {
    expect(() => readStage(`FROM scratch AS one\n${line}\n`, 'one')).toThrow(message);
  });

  test('so is a stage that is not there', () => {
    expect(() => readStage('FROM scratch AS one\n', 'two')).toThrow('no stage two: there are one');
  });
});
