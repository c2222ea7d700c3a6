import { decide } from '../../../../src/index.ts';
import { selectEntry } from '../../../../src/injection/policy/registration.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { decideOn, injectedPod, podWith } from '../../../support/builders/decisions.ts';
import { meshSnapshot, snapshotOf } from '../../../support/builders/snapshots.ts';
import type { Examples } from './example.ts';

const called = (injection: string) => selectEntry({ 'istio-injection': injection }, podWith()).called;
const inject = (place: 'labels' | 'annotations', value: string) =>
  decideOn(podWith({ [place]: { 'sidecar.istio.io/inject': value } })).reasons[0].code;
const profile = (name: string) => decideOn(podWith({ labels: { 'sidecar-injector.io/profile': name } })).added?.profile;
const pinned = (value: string | undefined) =>
  value === undefined ? {} : { 'sidecar-injector.io/pinned-variant': value };
const variant = (ofPod: string | undefined, ofNamespace: string | undefined) =>
  decide(
    { pod: podWith({ labels: pinned(ofPod) }), namespace: 'shop', namespaceLabels: pinned(ofNamespace) },
    snapshotOf({ variants: [{ name: 'next' }] }),
  ).added?.effective?.variant;
const status = (text: string) =>
  decideOn(podWith({ annotations: { 'sidecar.istio.io/status': text } })).reasons[0].code;
const ours = () => injectedPod(podWith()).metadata.annotations['sidecar.istio.io/status'] ?? '';
const defaultContainer = (annotations: JsonObject) =>
  injectedPod(podWith({ annotations })).metadata.annotations['kubectl.kubernetes.io/default-container'];

export const selection: Examples = {
  'namespace label istio-injection': {
    elsewhere: [() => called('enabled'), true, () => called('Enabled'), false],
  },
  'label sidecar.istio.io/inject': {
    elsewhere: [() => inject('labels', 'false'), 'OptedOut', () => inject('labels', 'no'), 'InvalidInjectValue'],
  },
  'sidecar.istio.io/inject': {
    elsewhere: [() => inject('annotations', 'true'), 'OptedIn', () => inject('annotations', ''), 'InvalidInjectValue'],
  },
  'label sidecar-injector.io/profile': {
    elsewhere: [() => profile('small'), 'small', () => profile('Small'), undefined],
  },
  'label sidecar-injector.io/pinned-variant': {
    elsewhere: [() => variant('next', undefined), 'next', () => variant('Next', undefined), undefined],
  },
  'namespace label sidecar-injector.io/pinned-variant': {
    elsewhere: [() => variant(undefined, 'next'), 'next', () => variant(undefined, 'Next'), undefined],
  },
  'sidecar.istio.io/status': {
    elsewhere: [
      () => status(ours()),
      'IncompleteInjection',
      () => status('{"containers":["istio-proxy"]}'),
      'ForeignStatus',
    ],
  },
  'kubectl.kubernetes.io/default-container': {
    elsewhere: [
      () => defaultContainer({ 'kubectl.kubernetes.io/default-container': 'mine' }),
      'mine',
      () => defaultContainer({}),
      'app',
    ],
  },
  'inject.istio.io/templates': {
    good: 'sidecar,other',
    effect: ({ templates }) => templates,
    value: ['sidecar', 'other'],
    bad: 'Sidecar',
    message: '"Sidecar" is not allowed; allowed: a comma list of template names, each alone or as name:version',
  },
  'sidecar.istio.io/nativeSidecar': {
    good: 'false',
    effect: ({ nativeSidecar }) => nativeSidecar,
    value: false,
    bad: 'no',
    message: '"no" is not allowed; allowed: true, false',
  },
  'sidecar-injector.io/showSettings': {
    good: 'true',
    effect: ({ showSettings }) => showSettings,
    value: true,
    bad: 'yes',
    message: '"yes" is not allowed; allowed: true, false',
  },
  'sidecar-injector.io/settings': {
    elsewhere: [
      () =>
        typeof injectedPod(podWith({ annotations: { 'sidecar-injector.io/showSettings': 'true' } })).metadata
          .annotations['sidecar-injector.io/settings'],
      'string',
      () => injectedPod(podWith()).metadata.annotations['sidecar-injector.io/settings'],
      undefined,
    ],
  },
  'sidecar-injector.io/bypassedInboundPorts': {
    elsewhere: [
      () =>
        injectedPod(
          podWith({
            annotations: {
              'traffic.sidecar.istio.io/excludeInboundPorts': '8081',
              'sidecar-injector.io/bypassedInboundPorts': '1',
            },
          }),
          meshSnapshot(),
        ).metadata.annotations['sidecar-injector.io/bypassedInboundPorts'],
      '8081',
      () =>
        injectedPod(podWith({ annotations: { 'sidecar-injector.io/bypassedInboundPorts': '1' } })).metadata.annotations[
          'sidecar-injector.io/bypassedInboundPorts'
        ],
      undefined,
    ],
  },
};
