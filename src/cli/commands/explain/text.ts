import { withCode } from '../../../injection/policy/reason.ts';
import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../../../json/json.ts';
import { names } from '../../../pod/conventions.ts';
import type { Added } from '../../../index.ts';
import type { DecisionAnswer, Explanation, SelectorsAnswer } from './explanation.ts';
import { separated } from '../../io.ts';
import { captureTable, textTable } from '../../text-table.ts';

function selectorsText(answer: SelectorsAnswer): string {
  if (!answer.asked) return 'not asked; the namespace counts as enabled (--namespace-labels asks)';
  return answer.called ? `yes, entry ${answer.entry} matches` : 'no';
}

const purposes = new Map<string, string>([
  [names.initContainer, "redirects the pod's traffic to the proxy before anything else starts"],
  [names.proxyContainer, 'the proxy that the traffic goes through'],
  [names.logsVolume, 'writable files of the proxy'],
  [names.podInfoVolume, "the pod's own labels and annotations, for the proxy"],
  [names.tokenMaskVolume, 'keeps the API token out of the injected containers'],
  [names.meshTokenVolume, 'the token by which the control plane knows the proxy'],
  [names.checkContainer, 'checks that a node agent captures, before anything else starts'],
  ['workload-socket', "the agent's socket for certificates"],
  ['credential-socket', 'a socket for certificates from elsewhere'],
  ['workload-certs', 'certificates that something else than the agent writes'],
  ['istio-envoy', "the proxy's configuration, in memory"],
  ['istio-xds', "the applications' gRPC configuration, in memory"],
  ['istio-data', 'writable files of the agent'],
  ['istio-token', "the pod's proof of identity for istiod"],
  ['istiod-ca-cert', "istiod's root certificate"],
  ['istio-ca-crl', 'revoked certificates, where there are any'],
]);

/** Quantities and ports are strings or numbers. Anything else is shown as JSON. */
function scalarText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function resourceText(container: JsonObject): string {
  const resources = objectMember(container, 'resources');
  const part = (key: string): string => {
    const values = objectMember(resources, key);
    const pairs = Object.entries(values ?? {}).map(([name, amount]) => `${name} ${scalarText(amount)}`);
    return pairs.length === 0 ? '' : `${key} ${pairs.join(', ')}`;
  };
  return [part('requests'), part('limits')].filter(Boolean).join('; ');
}

function portText(container: JsonObject): string {
  const ports = member(container, 'ports');
  const numbers = Array.isArray(ports)
    ? ports.filter(isObject).map((port) => scalarText(member(port, 'containerPort')))
    : [];
  return numbers.length === 0 ? '' : `ports ${numbers.join(', ')}`;
}

function addedRows(added: Added): string[][] {
  const others = added.templates.filter((name) => name !== 'sidecar').join(', ');
  const why = (name: string): string =>
    purposes.get(name) ?? `asked for by inject.istio.io/templates or the settings: ${others}`;
  const containers = (kind: string, list: Added['containers']): string[][] =>
    list.flatMap((container) => {
      const native = stringMember(container, 'restartPolicy') === 'Always';
      const details = [stringMember(container, 'image') ?? '', resourceText(container), portText(container)];
      return [
        [native ? 'native sidecar' : kind, container.name, why(container.name)],
        ...details.filter(Boolean).map((detail) => ['', '', detail]),
      ];
    });
  return [
    ...containers('init container', added.initContainers),
    ...containers('container', added.containers),
    ...added.volumes.map(({ name }) => ['volume', name, why(name)]),
    ...added.imagePullSecrets.map((name) => ['pull secret', name, 'to pull the injected images']),
    ...added.edits.map((edit) => ['application', edit, 'a sidecar shares its files or sets it']),
    ...added.probes.map((probe) => [
      'probe',
      probe,
      'its port is captured, so the proxy answers it from its status port',
    ]),
    ...added.sleeps.map((sleep) => ['preStop', sleep, 'a sleep before its end, for requests on their way to the pod']),
  ];
}

/** The settings that differ from the built-in ones, and where each comes from. */
function settingLines({ settings, added }: DecisionAnswer): string[] {
  const changed = settings.filter(({ name, from }) => from !== 'default' && name !== 'profile' && name !== 'variant');
  if (changed.length === 0) return [];
  const profile = `profile ${added?.profile ?? ''}`;
  const variant = `variant ${added?.effective?.variant ?? ''}`;
  const who = { settings: 'the settings', variant, profile, namespace: 'the namespace', pod: 'the pod', default: '' };
  const rows = changed.map(({ name, value, from }) => [name, scalarText(value), `from ${who[from]}`]);
  return ['', '  Settings (everything else is as built in)', ...textTable(rows, '    ')];
}

function decisionLines(decision: DecisionAnswer): string[] {
  const { outcome, reasons, warnings, added, capture } = decision;
  const [first, ...others] = reasons.map(withCode);
  const lines = [`  Injection policy:   ${outcome}, because ${first ?? 'of nothing'}`];
  for (const other of others) lines.push(`    and ${other}`);
  for (const text of warnings) lines.push(`    warning: ${text.replace(/^sidecar-injector: /, '')}`);
  if (added !== undefined) {
    const { variant } = added.effective ?? {};
    const profile = [
      ...(added.profile === undefined ? [] : [`, profile ${added.profile}`]),
      ...(variant === undefined ? [] : [`, variant ${variant}`]),
    ].join('');
    lines.push(
      '',
      `  Added (sidecars: ${added.templates.join(', ')}${profile})`,
      ...textTable(addedRows(added), '    '),
    );
  }
  lines.push(...settingLines(decision));
  if (capture !== undefined) {
    lines.push('', '  Capture (the first row that fits a connection decides)', ...captureTable(capture, '    '));
  } else if (added?.templates.includes('sidecar') === true) {
    lines.push('', '  Capture: none, connections reach the proxy only where they are sent to it');
  }
  return lines;
}

function explainOne({ object, template, where, notes, webhookSelectors: answer, decision }: Explanation): string[] {
  const at = template === undefined ? '' : `, template ${template}`;
  const lines = [`${object.kind}/${object.name}${at}, namespace ${object.namespace} (${where})`];
  for (const note of notes) lines.push(`  ${note}`);
  if (answer !== undefined) lines.push(`  Webhook selectors:  ${selectorsText(answer)}`);
  if (answer?.asked === true && !answer.called) {
    lines.push(
      '    the API server would not even call the injector:',
      ...answer.reasons.map((text) => `    - ${text}`),
    );
  }
  return decision === undefined ? lines : [...lines, ...decisionLines(decision)];
}

/** Formats all explanations as lines, with an empty line between them. */
export function explanationLines(explanations: readonly Explanation[]): string[] {
  return separated(explanations.map(explainOne));
}
