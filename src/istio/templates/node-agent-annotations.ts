import { annotationNames as names } from '../../pod/annotation-names.ts';
import { isObject, parseJson, type Json } from '../../json/json.ts';
import { excludedInboundText } from './capture.ts';
import { annotationOf, interceptionModeOf, type TemplateData } from './template-data.ts';

const network = { name: 'istio-cni', namespace: 'default' } as const;

/**
 * Adds our network to Multus' list, which is comma-separated or JSON. A repeated entry is harmless. A list in neither
 * form is left as it is, for Multus to report.
 */
export function withMultusNetwork(list: string | undefined): string {
  const wanted = `${network.namespace}/${network.name}`;
  const text = list?.trim() ?? '';
  if (text === '') return wanted;
  if (!text.startsWith('[')) {
    return text.split(',').some((entry) => entry.trim() === wanted) ? text : `${text}, ${wanted}`;
  }
  const entries = parseJson(text);
  if (!Array.isArray(entries)) return text;
  const isThere = (entries as readonly Json[]).some(
    (entry) => isObject(entry) && entry['name'] === network.name && entry['namespace'] === network.namespace,
  );
  if (isThere) return text;
  const added = `{"name": "${network.name}", "namespace": "${network.namespace}"}`;
  return entries.length === 0 ? `[${added}]` : `${text.slice(0, -1).trimEnd()}, ${added}]`;
}

/**
 * Returns the annotations by which a CNI plug-in on the node captures the pod's traffic instead of an init container.
 */
export function nodeAgentAnnotations(data: TemplateData): Record<string, string> {
  const { proxy } = data.values.global;
  const wanted: [string, string | undefined][] = [
    [names.interceptionMode, interceptionModeOf(data)],
    [names.includeOutboundIPRanges, annotationOf(data, names.includeOutboundIPRanges) ?? proxy.includeIPRanges],
    [names.excludeOutboundIPRanges, annotationOf(data, names.excludeOutboundIPRanges) ?? proxy.excludeIPRanges],
    [names.includeOutboundPorts, annotationOf(data, names.includeOutboundPorts) ?? proxy.includeOutboundPorts],
    [names.excludeOutboundPorts, annotationOf(data, names.excludeOutboundPorts) ?? proxy.excludeOutboundPorts],
    [names.kubevirtInterfaces, annotationOf(data, names.kubevirtInterfaces)],
    [names.rerouteInterfaces, annotationOf(data, names.rerouteInterfaces)],
    [names.excludeInterfaces, annotationOf(data, names.excludeInterfaces)],
  ];
  const annotations = Object.fromEntries(
    wanted.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
  // Empty means that no port is excluded or captured inbound, which is not the plug-in's default.
  annotations[names.excludeInboundPorts] = excludedInboundText(data);
  annotations[names.includeInboundPorts] = annotationOf(data, names.includeInboundPorts) ?? proxy.includeInboundPorts;
  if (data.values.pilot.cni.provider === 'multus') {
    annotations[names.networks] = withMultusNetwork(annotationOf(data, names.networks));
  }
  return annotations;
}
