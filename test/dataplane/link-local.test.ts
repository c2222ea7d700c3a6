import { afterEach, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { openScene, type Scene } from '../support/network/scene.ts';
import { eventually } from '../support/waiting.ts';

let scene: Scene;

afterEach(() => scene.stop());

/** The status of a request from the pod to a link-local address, `000` without any. */
async function ask(annotations: Readonly<Record<string, string>>): Promise<string> {
  scene = await openScene({ label: 'link', pod: podWith({ annotations }) });
  await scene.outside.listen({ kind: 'http', port: 8080 });
  const { run } = scene.pod.namespace;
  const show = ['ip', '-6', '-oneline', 'address', 'show', 'dev', 'eth0', 'scope', 'link'];
  const shown = (): Promise<string> => Promise.resolve(run('cluster', show).stdout + run('pod', show).stdout);
  // Until the kernel has seen that nobody else has the address, it cannot be used.
  const [, address] = /inet6 ([^/]*)/.exec(await eventually(shown, (text) => !text.includes('tentative'))) ?? [];
  const words = ['--silent', '--globoff', '--max-time', '3', '--output', '/dev/null', '--write-out', '%{http_code}'];
  return run('pod', ['curl', ...words, `http://[${address}%25eth0]:8080/`]).stdout;
}

test('a captured connection to a link-local address gets no answer', async () => {
  expect(await ask({})).toBe('000');
});

test('one that is excluded does', async () => {
  expect(await ask({ 'traffic.sidecar.istio.io/excludeOutboundIPRanges': 'fe80::/10' })).toBe('200');
});
