import type { ControlPlane } from '../../envoy/control-plane.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { rangeText } from '../../grammar/port-range.ts';
import { meshToken, names } from '../../pod/conventions.ts';
import { stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import type { MeshAccess, PodSettings } from '../../settings/effective.ts';
import { bypassedInbound } from './capture-intent.ts';

/**
 * Life of a token in seconds. The kubelet renews one that is a day old, so whenever the API server goes away, proxies can show
 * theirs for another day.
 */
const tokenSeconds = 172_800;

/** Returns where the proxy gets what it knows of others; undefined if it needs nobody. */
export function controlPlaneOf(mesh: MeshAccess | undefined): ControlPlane | undefined {
  if (mesh === undefined) return undefined;
  return { address: mesh.address, roots: mesh.roots ?? '', tokenPath: `${meshToken.folder}/${meshToken.file}` };
}

/** Returns the volume of the token by which the control plane knows the pod. No other API takes it. */
export function tokenVolume({ audience }: Pick<MeshAccess, 'audience'>): NamedObject {
  const serviceAccountToken = { audience, expirationSeconds: tokenSeconds, path: meshToken.file };
  return { name: names.meshTokenVolume, projected: { sources: [{ serviceAccountToken }] } };
}

export const tokenMount = { name: names.meshTokenVolume, mountPath: meshToken.folder, readOnly: true } as const;

/** Returns a path as a container sees it: `/var/run` is a link in images. */
function resolved(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}/`.replace(/^\/var\/run\//, '/run/');
}

/** Whether a mount of a pod's own hides the token from the proxy, which would then never start. */
export function hidesToken(mount: JsonObject): boolean {
  const [path, folder] = [stringMember(mount, 'mountPath') ?? '', meshToken.folder];
  const isOurs = stringMember(mount, 'name') === tokenMount.name && path === folder;
  return !isOurs && resolved(path).startsWith(resolved(folder));
}

/** Returns the label by which the control plane knows pods that take mutual TLS: as in Istio, a pod may set another value. */
export function meshLabels({ mesh, capture }: PodSettings): Record<string, string> {
  return mesh === undefined || capture.mode === 'NONE' ? {} : { [annotationNames.tlsMode]: 'istio' };
}

/** Returns the annotation that tells the control plane on which ports the pod takes no mutual TLS. */
export function meshAnnotations(effective: PodSettings, probePorts: readonly number[]): Record<string, string> {
  if (effective.mesh === undefined) return {};
  const ranges = bypassedInbound(effective, probePorts);
  if (ranges.length === 0) return {};
  return { [annotationNames.bypassedInboundPorts]: rangeText(ranges) };
}
