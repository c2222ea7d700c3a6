import { annotationNames as names } from '../../pod/annotation-names.ts';
import { differencesFromDefault } from '../../settings/schema/istio/proxy-config.ts';
import { member, objectsMember, type Json, type JsonObject, type NamedObject } from '../../json/json.ts';
import { fieldVariable, metadataVariables, resourceVariable, sortedVariables, variable } from './container-parts.ts';
import { otelAttributes } from './otel-attributes.ts';
import { annotationOf, applicationNames, interceptionModeOf, labelOf, type TemplateData } from './template-data.ts';

type Variables = readonly NamedObject[];

/** Keys of a container port in the order in which Istio writes them. */
const portKeys = ['name', 'hostPort', 'containerPort', 'protocol', 'hostIP'] as const;

function portText(port: JsonObject): string {
  const entries = portKeys.flatMap((key): [string, Json][] => {
    const value = member(port, key);
    return value === undefined || value === null || value === '' || value === 0 ? [] : [[key, value]];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

function podPorts(data: TemplateData): string {
  const ports = data.containers.flatMap((container) => objectsMember(container, 'ports')).map(portText);
  return `[\n${ports.map((port, index) => `    ${index === 0 ? '' : ','}${port}\n`).join('')}]`;
}

function owner({ workload, namespace }: TemplateData): string {
  const kind = `${workload.kind.toLowerCase()}s`;
  return `kubernetes://apis/${workload.apiVersion}/namespaces/${namespace}/${kind}/${workload.name}`;
}

function caAddress({ values }: TemplateData): string {
  const { caAddress: own, istioNamespace } = values.global;
  if (own !== '') return own;
  return `istiod${values.revision === '' ? '' : `-${values.revision}`}.${istioNamespace}.svc:15012`;
}

/** Returns the variables that tell the agent its identity and where to get its certificates. */
function identityVariables(data: TemplateData): Variables {
  return [
    ...(data.mesh.inboundTrafficPolicy?.mode === 'LOCALHOST'
      ? [variable('REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION', 'true')]
      : []),
    variable('PILOT_CERT_PROVIDER', data.values.global.pilotCertProvider),
    variable('CA_ADDR', caAddress(data)),
    fieldVariable('POD_NAME', 'metadata.name'),
    fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
    fieldVariable('INSTANCE_IP', 'status.podIP'),
    fieldVariable('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fieldVariable('HOST_IP', 'status.hostIP'),
  ];
}

function configVariables(data: TemplateData): Variables {
  return [
    variable('PROXY_CONFIG', `${JSON.stringify(differencesFromDefault(data.proxyConfig))}\n`),
    variable('ISTIO_META_POD_PORTS', podPorts(data)),
  ];
}

function complianceVariables({ values }: TemplateData): Variables {
  const policy = values.pilot.env['COMPLIANCE_POLICY'] ?? '';
  if (policy === '') return [];
  return [
    variable('COMPLIANCE_POLICY', policy),
    ...(policy === 'fips-140-3' ? [variable('GODEBUG', 'fips140=only')] : []),
  ];
}

function clusterVariables({ values }: TemplateData): Variables {
  return [
    variable('ISTIO_META_CLUSTER_ID', values.global.multiCluster.clusterName || 'Kubernetes'),
    fieldVariable('ISTIO_META_NODE_NAME', 'spec.nodeName'),
  ];
}

/** Returns the network of the values. A network that is known of the pod or the request replaces it at the end of the list. */
function networkVariables({ values }: TemplateData): Variables {
  const { network } = values.global;
  return network === '' ? [] : [variable('ISTIO_META_NETWORK', network)];
}

function workloadVariables(data: TemplateData, name = data.workload.name): Variables {
  const { workload } = data;
  const isOwned = workload.name !== '' && workload.apiVersion !== '';
  return [
    ...(name === '' ? [] : [variable('ISTIO_META_WORKLOAD_NAME', name)]),
    ...(isOwned ? [variable('ISTIO_META_OWNER', owner(data))] : []),
  ];
}

function bootstrapVariables(data: TemplateData): Variables {
  if (annotationOf(data, names.bootstrapOverride) === undefined) return [];
  return [variable('ISTIO_BOOTSTRAP_OVERRIDE', '/etc/istio/custom-bootstrap/custom_bootstrap.json')];
}

function meshVariables({ values, mesh }: TemplateData): Variables {
  const meshId = values.global.meshID || mesh.trustDomain;
  return [
    ...(meshId === '' ? [] : [variable('ISTIO_META_MESH_ID', meshId)]),
    ...(mesh.trustDomain === '' ? [] : [variable('TRUST_DOMAIN', mesh.trustDomain)]),
  ];
}

function datadogVariables(data: TemplateData): Variables {
  const text = annotationOf(data, names.datadog);
  if (data.values.global.proxy.tracer !== 'datadog' || text === undefined) return [];
  // The annotation has been checked with the others before.
  return sortedVariables(JSON.parse(text) as Readonly<Record<string, string>>);
}

function appContainers(data: TemplateData): Variables {
  return [variable('ISTIO_META_APP_CONTAINERS', applicationNames(data).join(','))];
}

/** Returns the variables with those of one name merged at the place of the first, as in a strategic merge patch. */
function mergedByName(variables: Variables): Variables {
  const merged = new Map<string, NamedObject>();
  for (const one of variables) merged.set(one.name, { ...merged.get(one.name), ...one });
  return [...merged.values()];
}

/** Returns the environment of a sidecar proxy in Istio's order: the kubelet resolves `$(NAME)` in that order. */
export function sidecarEnvironment(data: TemplateData): Variables {
  const otel = otelAttributes(data);
  return mergedByName([
    ...identityVariables(data),
    resourceVariable('ISTIO_CPU_LIMIT', 'limits.cpu'),
    ...configVariables(data),
    ...appContainers(data),
    resourceVariable('GOMEMLIMIT', 'limits.memory'),
    ...complianceVariables(data),
    ...clusterVariables(data),
    variable('ISTIO_META_INTERCEPTION_MODE', interceptionModeOf(data)),
    ...networkVariables(data),
    // Only this template reads the label.
    ...workloadVariables(data, labelOf(data, names.workloadName)),
    ...bootstrapVariables(data),
    ...meshVariables(data),
    ...datadogVariables(data),
    ...(otel === undefined ? [] : [variable('OTEL_RESOURCE_ATTRIBUTES', otel)]),
    ...metadataVariables(data),
  ]);
}

/** Returns the environment of a gateway. */
export function gatewayEnvironment(data: TemplateData): Variables {
  return mergedByName([
    ...identityVariables(data).filter(({ name }) => name !== 'REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION'),
    resourceVariable('ISTIO_CPU_LIMIT', 'limits.cpu'),
    ...configVariables(data),
    resourceVariable('GOMEMLIMIT', 'limits.memory'),
    ...complianceVariables(data),
    ...appContainers(data),
    ...clusterVariables(data),
    variable('ISTIO_META_INTERCEPTION_MODE', data.proxyConfig.interceptionMode ?? 'REDIRECT'),
    ...networkVariables(data),
    ...workloadVariables(data),
    ...bootstrapVariables(data),
    ...meshVariables(data),
    ...metadataVariables(data),
  ]);
}

/** Returns the environment of an agent without Envoy, for gRPC applications that speak xDS themselves. */
export function agentEnvironment(data: TemplateData): Variables {
  return mergedByName([
    variable('ISTIO_META_GENERATOR', 'grpc'),
    variable('OUTPUT_CERTS', '/var/lib/istio/data'),
    ...identityVariables(data),
    ...configVariables(data),
    ...appContainers(data),
    ...clusterVariables(data),
    ...networkVariables(data),
    ...workloadVariables(data),
    ...meshVariables(data),
    ...metadataVariables(data),
    variable('ISTIO_META_DNS_CAPTURE', 'false'),
    variable('DISABLE_ENVOY', 'true'),
  ]);
}
