import { wordSet } from '../grammar/words.ts';
import { containerLists } from './containers.ts';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';

/** Levels of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards). */
export type PodSecurityLevel = 'restricted' | 'baseline' | 'privileged';

/** A field that violates a level of the Pod Security Standards. */
export interface PodSecurityViolation {
  /** The most permissive level that is violated: `baseline` violates `restricted` as well. */
  readonly level: 'restricted' | 'baseline';
  /** `container "x"`, `volume "y"` or `the pod`. */
  readonly where: string;
  readonly what: string;
  /** The minor version of Kubernetes 1 from whose standards on it counts; undefined for all. */
  readonly since: number | undefined;
}

type Found = [level: PodSecurityViolation['level'], what: string, since?: number];

const baselineCapabilities = wordSet(`
  AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
`);
const restrictedVolumes = wordSet(`
  configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret
`);
const safeSysctls = wordSet(`
  kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports
  net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.tcp_fin_timeout
  net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_keepalive_time net.ipv4.tcp_rmem
  net.ipv4.tcp_syncookies net.ipv4.tcp_wmem
`);
const selinuxTypes: ReadonlySet<string> = new Set([
  '',
  'container_engine_t',
  'container_init_t',
  'container_kvm_t',
  'container_t',
]);

function strings(object: JsonObject | undefined, key: string): readonly string[] {
  const value = member(object, key);
  return Array.isArray(value) ? value.filter((item: unknown): item is string => typeof item === 'string') : [];
}

/** Violations in the fields that the security contexts of pods and containers have in common. */
function contextViolations(context: JsonObject | undefined): [level: 'baseline', what: string][] {
  const found: [level: 'baseline', what: string][] = [];
  if (stringMember(objectMember(context, 'seccompProfile'), 'type') === 'Unconfined') {
    found.push(['baseline', 'seccompProfile Unconfined']);
  }
  if (stringMember(objectMember(context, 'appArmorProfile'), 'type') === 'Unconfined') {
    found.push(['baseline', 'appArmorProfile Unconfined']);
  }
  const selinux = objectMember(context, 'seLinuxOptions');
  const type = stringMember(selinux, 'type') ?? '';
  if (!selinuxTypes.has(type)) found.push(['baseline', `seLinuxOptions.type ${type}`]);
  for (const key of ['user', 'role']) {
    if ((stringMember(selinux, key) ?? '') !== '') found.push(['baseline', `seLinuxOptions.${key}`]);
  }
  if (objectMember(context, 'windowsOptions')?.['hostProcess'] === true) found.push(['baseline', 'hostProcess']);
  return found;
}

function containerViolations(container: JsonObject, pod: JsonObject | undefined): Found[] {
  const context = objectMember(container, 'securityContext');
  const found: Found[] = contextViolations(context);
  const own = (key: string) => member(context, key);
  const inherited = (key: string) => own(key) ?? member(pod, key);
  if (own('privileged') === true) found.push(['baseline', 'privileged']);
  const procMount = own('procMount') ?? 'Default';
  if (procMount !== 'Default') found.push(['baseline', `procMount ${JSON.stringify(procMount)}`]);
  for (const port of objectsMember(container, 'ports')) {
    const hostPort = member(port, 'hostPort');
    if (typeof hostPort === 'number' && hostPort !== 0) found.push(['baseline', `hostPort ${hostPort}`]);
  }
  const capabilities = objectMember(context, 'capabilities');
  for (const capability of strings(capabilities, 'add')) {
    if (!baselineCapabilities.has(capability)) found.push(['baseline', `capability ${capability}`]);
    else if (capability !== 'NET_BIND_SERVICE') found.push(['restricted', `capability ${capability}`, 22]);
  }
  if (!strings(capabilities, 'drop').includes('ALL')) found.push(['restricted', 'capabilities.drop without ALL', 22]);
  if (own('allowPrivilegeEscalation') !== false) found.push(['restricted', 'allowPrivilegeEscalation is not false', 8]);
  if (inherited('runAsNonRoot') !== true) found.push(['restricted', 'runAsNonRoot is not true']);
  if (inherited('runAsUser') === 0) found.push(['restricted', 'runAsUser 0', 23]);
  const seccomp = stringMember(objectMember(context, 'seccompProfile') ?? objectMember(pod, 'seccompProfile'), 'type');
  if (seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost' && seccomp !== 'Unconfined') {
    found.push(['restricted', 'no seccompProfile', 19]);
  }
  return found;
}

/** All violations of the Pod Security Standards in a pod's `spec`, or in a part of one. */
export function podSecurityViolations(spec: JsonObject): PodSecurityViolation[] {
  const found: PodSecurityViolation[] = [];
  const add = (where: string, violations: readonly Found[]): void => {
    found.push(...violations.map(([level, what, since]) => ({ level, where, what, since })));
  };
  const context = objectMember(spec, 'securityContext');
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) {
    if (member(spec, field) === true) add('the pod', [['baseline', field]]);
  }
  add('the pod', contextViolations(context));
  for (const sysctl of objectsMember(context, 'sysctls')) {
    const name = stringMember(sysctl, 'name') ?? '';
    if (!safeSysctls.has(name)) add('the pod', [['baseline', `sysctl ${name}`]]);
  }
  for (const list of containerLists) {
    for (const container of objectsMember(spec, list)) {
      add(`container "${stringMember(container, 'name') ?? ''}"`, containerViolations(container, context));
    }
  }
  for (const volume of objectsMember(spec, 'volumes')) {
    const [type = 'emptyDir'] = Object.keys(volume).filter((key) => key !== 'name' && isObject(member(volume, key)));
    const level = type === 'hostPath' ? 'baseline' : 'restricted';
    if (!restrictedVolumes.has(type)) add(`volume "${stringMember(volume, 'name') ?? ''}"`, [[level, type]]);
  }
  return found;
}

/** The strictest level that allows a pod with these violations. */
export function podSecurityLevel(violations: readonly PodSecurityViolation[]): PodSecurityLevel {
  if (violations.some(({ level }) => level === 'baseline')) return 'privileged';
  return violations.length > 0 ? 'baseline' : 'restricted';
}
