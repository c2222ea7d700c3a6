import { annotationNames as names } from '../../pod/annotation-names.ts';
import { supported, readElsewhere, type AnnotationRow } from '../annotation.ts';
import { statusAnnotation } from '../../pod/conventions.ts';
import { templateList, trueOrFalse } from '../../grammar/grammar.ts';
import { profileLabel } from '../schema/profile.ts';
import { pinnedVariantLabel } from '../schema/variant.ts';

/** Whether a pod is injected, and with which sidecars. */
export const selection: readonly AnnotationRow[] = [
  readElsewhere({
    name: names.namespaceInjection,
    kind: 'namespace label',
    allowed: 'enabled, disabled',
    defaultText: 'none: only pods that ask for it',
    doc: 'Opts the pods of a namespace in or out; the API server reads it, so any other value means that it does not ask.',
  }),
  readElsewhere({
    name: names.inject,
    kind: 'label',
    allowed: 'true, false',
    defaultText: 'the namespace decides',
    doc: 'Opts the pod in or out, whatever its namespace says; except that `disabled` is not overruled.',
  }),
  readElsewhere({
    name: names.inject,
    allowed: 'true, false',
    defaultText: 'the label of the same name',
    doc: 'The old place of the label, with a warning. It cannot make the API server ask, and the label wins.',
    deprecated: 'the label of the same name',
  }),
  readElsewhere({
    name: profileLabel,
    kind: 'label',
    allowed: 'the name of a profile of the settings',
    defaultText: 'none',
    doc: 'Asks for a profile. When it is unknown, or another one comes first for the pod, a warning says so.',
    istiod: { because: 'it needs the setting `istiod.hardened`', unlessHardened: true },
  }),
  readElsewhere({
    name: pinnedVariantLabel,
    kind: 'label',
    allowed: 'the name of a variant of the settings, stable',
    defaultText: 'that of the namespace, or the share of the owner',
    doc: 'Chooses a variant of the built-in sidecar. An unknown one means `stable`, with a warning.',
  }),
  readElsewhere({
    name: pinnedVariantLabel,
    kind: 'namespace label',
    allowed: 'the name of a variant of the settings, stable',
    defaultText: 'the share of the owner',
    doc: 'Chooses a variant for the pods of a namespace that have no such label. An unknown one means `stable`, with a warning.',
  }),
  supported({
    name: names.templates,
    grammar: templateList,
    defaultText: 'setting `injection.defaultTemplates` (sidecar)',
    doc: 'The sidecars to inject, in this order; `sidecar` is the built-in proxy.',
    set: (draft, value) => void (draft.templates = value),
    istiod: { grammar: undefined, note: 'Istio’s templates too: `gateway`, `grpc-agent`, `grpc-simple`' },
  }),
  supported({
    name: names.nativeSidecar,
    grammar: trueOrFalse,
    defaultText: 'setting `injection.nativeSidecars` (auto)',
    doc: 'Whether the proxy is a native sidecar (an init container with restartPolicy Always).',
    set: (draft, value) => void (draft.nativeSidecar = value),
  }),
  readElsewhere({
    name: statusAnnotation,
    allowed: 'what the injector wrote',
    defaultText: 'written by the injector',
    doc: 'What was injected, as JSON, with what it takes to undo it; one of another injector makes the pod foreign.',
  }),
  readElsewhere({
    name: names.defaultContainer,
    allowed: 'the name of a container',
    defaultText: 'written by the injector: the first container of the application',
    doc: 'The container of `kubectl logs` and `exec`; the pod’s own value stays.',
  }),
  supported({
    name: 'sidecar-injector.io/showSettings',
    grammar: trueOrFalse,
    defaultText: 'setting `injection.showSettings` (false)',
    doc: 'Whether the pod gets its effective settings, caps included, as the annotation `sidecar-injector.io/settings`.',
    set: (draft, value) => void (draft.showSettings = value),
  }),
  readElsewhere({
    name: names.settings,
    allowed: 'what the injector wrote',
    defaultText: 'written by the injector when asked',
    doc: 'The effective settings of the pod as JSON; it is only for reading.',
  }),
  readElsewhere({
    name: names.bypassedInboundPorts,
    allowed: 'what the injector wrote',
    defaultText: 'written by the injector in mode mesh where it is needed',
    doc: 'Ports of the pod that pass by its proxy, so that proxies of the mesh do not call them with mutual TLS.',
  }),
];
