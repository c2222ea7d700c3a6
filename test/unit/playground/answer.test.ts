import { describe, expect, test } from '@jest/globals';
import { answer } from '../../../src/playground/answer.ts';
import { describeTraffic, drawTraffic, type Shape } from '../../../src/playground/drawing.ts';
import { examples } from '../../../src/playground/page/examples.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

const plain = { settings: '', namespace: '', namespaceLabels: 'istio-injection=enabled' };
const pod = (annotations: string, more = '') => `kind: Pod
apiVersion: v1
metadata: {name: web, annotations: {${annotations}}}
spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]}${more}]}
`;
const ask = (manifest: string, settings = '') => answer({ ...plain, manifest, settings });

function textsOf(shape: Shape): string[] {
  return shape.children.flatMap((child) => (typeof child === 'string' ? [child] : textsOf(child)));
}

describe('the answer of the playground', () => {
  test.each(examples.map(({ title, ...example }) => [title, example] as const))(
    '%s: decision and reasons are those of explain, the result that of inject',
    async (_, { manifest, settings = '' }) => {
      const { verdicts, result, problems } = ask(manifest, settings);
      if (settings !== '') {
        expect(verdicts[0]?.outcome).toBe('inject');
        return;
      }
      const options = ['-f', '-', '--namespace-labels', plain.namespaceLabels];
      const { stdout } = await runCommand(['explain', ...options, '-o', 'json'], manifest);
      const explained = JSON.parse(stdout) as { decision?: { outcome: string; reasons: unknown } }[];
      expect(verdicts.map(({ outcome, reasons }) => (outcome === 'none' ? undefined : { outcome, reasons }))).toEqual(
        explained.map(({ decision }) => decision && { outcome: decision.outcome, reasons: decision.reasons }),
      );
      const injected = await runCommand(['inject', ...options], manifest);
      if (injected.code === 0) expect(result).toBe(injected.stdout);
      else expect(problems.join('\n')).toContain('(InvalidAnnotation)');
    },
  );

  test('marks what is added and removed, and nothing else', () => {
    const { lines, result } = ask(pod(''));
    const after = lines.filter(({ mark }) => mark !== 'removed').map(({ text }) => `${text}\n`);
    const before = lines.filter(({ mark }) => mark !== 'added').map(({ text }) => `${text}\n`);
    expect(after.join('')).toBe(result);
    expect(before.join('')).toBe(pod(''));
  });

  test('of settings that are not sound, is why', () => {
    expect(
      ask(pod(''), 'kind: InjectorConfiguration\napiVersion: sidecar-injector.io/v1alpha1\nspec: {mod: mesh}\n'),
    ).toMatchObject({
      problems: [expect.stringContaining('settings: spec.mod: unknown key, did you mean "mode"?')],
      result: undefined,
    });
    expect(ask(pod(''), 'kind: Pod\n').problems).toEqual([
      'settings:1: kind: "Pod" is not allowed; allowed: InjectorConfiguration, SidecarTemplate',
    ]);
    const twice = 'kind: InjectorConfiguration\napiVersion: sidecar-injector.io/v1alpha1\n';
    expect(ask(pod(''), `${twice}---\n${twice}`).problems).toEqual([
      'settings: the InjectorConfiguration is there twice',
    ]);
  });

  test('of labels that are none, is why', () => {
    expect(answer({ ...plain, manifest: '', namespaceLabels: 'a b' }).problems).toEqual([
      'labels of the namespace: "a b" is not a label',
    ]);
  });

  test('of a text that is too long, is that it is', () => {
    expect(ask('#'.repeat(1_000_001)).problems).toEqual([
      'the manifest: has 1,000,001 characters; allowed here: at most 1,000,000. The command line takes more',
    ]);
  });
});

describe('the picture', () => {
  const picture = (annotations: string, settings = '') => {
    const { verdicts } = ask(pod(annotations), settings);
    const { traffic } = verdicts[0] ?? {};
    if (traffic === undefined) throw new Error(JSON.stringify(verdicts));
    return { words: describeTraffic(traffic), texts: textsOf(drawTraffic(traffic)).join('|') };
  };

  test('shows ports and who declares them', () => {
    expect(picture('').texts).toContain('web  :80 :53/UDP');
    expect(picture('').words).toBe(
      'A pod with web and the proxy istio-proxy. Inbound through the proxy at port 15006: TCP, every port. Outbound through the proxy at port 15001: TCP, any other address. Outbound past the proxy: to 169.254.169.254/32, fd00:ec2::254/128. The proxy answers the kubelet and Prometheus at ports 15020, 15021, 15090.',
    );
  });

  test.each([
    [
      'traffic.sidecar.istio.io/includeInboundPorts: "80"',
      'Inbound through the proxy at port 15006: port 80. Inbound past the proxy: every other port.',
    ],
    ['traffic.sidecar.istio.io/includeInboundPorts: ""', 'Inbound past the proxy: everything.'],
    [
      'traffic.sidecar.istio.io/excludeInboundPorts: "80-90"',
      'TCP, every other port. Inbound past the proxy: ports 80-90.',
    ],
    ['traffic.sidecar.istio.io/includeOutboundIPRanges: 10.0.0.0/8', 'at port 15001: to 10.0.0.0/8. Outbound past'],
    ['traffic.sidecar.istio.io/excludeOutboundPorts: "25"', 'Outbound past the proxy: port 25;'],
    ['sidecar-injector.io/excludeOutboundUsers: "1000:443"', 'user 1000 to 443'],
    ['sidecar.istio.io/interceptionMode: NONE', 'No traffic is redirected. Inbound past the proxy: everything.'],
    ['status.sidecar.istio.io/port: "0"', 'at ports 15021, 15090.'],
  ])('%s', (annotations, words) => {
    expect(picture(annotations).words).toContain(words);
  });

  test('shows DNS where it is captured', () => {
    const example = examples.find(({ title }) => title.includes('DNS'));
    const { traffic } = ask(example?.manifest ?? '', example?.settings).verdicts[0] ?? {};
    expect(traffic?.dns).toMatchObject({ port: 15053 });
    expect(textsOf(drawTraffic(traffic!))).toContain(':15053');
  });

  test('of many containers and ports stays a picture', () => {
    const more = Array.from({ length: 30 }, (_, index) => `, {name: c${index}, image: i}`).join('');
    const { traffic } = ask(pod('', more)).verdicts[0] ?? {};
    expect(textsOf(drawTraffic(traffic!))).toContain('and 27 more containers');
  });
});
