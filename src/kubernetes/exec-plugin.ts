import type { User } from '@kubernetes/client-node';
import { isObject, objectsMember, stringMember, type Json } from '../json/json.ts';
import { messageOf } from './api-error.ts';

/** The variable by which a plugin is told with which version of ExecCredential to answer. */
const execInfo = 'KUBERNETES_EXEC_INFO';

/**
 * Returns the user with what every client has to tell an exec plugin, and the client library does not: `KUBERNETES_EXEC_INFO`,
 * without which some refuse to work ("client-go credential plugins" in Kubernetes' documentation). The cluster is told only where
 * `provideClusterInfo` asks for it.
 */
export function withExecInfo(user: User, cluster: { readonly server: string; readonly caData?: string }): User {
  const exec = user.exec as Json | undefined;
  if (!isObject(exec) || objectsMember(exec, 'env').some((one) => stringMember(one, 'name') === execInfo)) return user;
  const info = {
    apiVersion: stringMember(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec['provideClusterInfo'] === true && {
        cluster: { server: cluster.server, 'certificate-authority-data': cluster.caData },
      }),
    },
  };
  const env = [...objectsMember(exec, 'env'), { name: execInfo, value: JSON.stringify(info) }];
  return { ...user, exec: { ...exec, env } };
}

/** Says why a user's credentials cannot be had. What an exec plugin has printed is not quoted: it may be the token. */
export function whyUnusable({ exec, name }: User, error: unknown): string {
  const kind: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'name') : undefined;
  const isMisread = kind === 'SyntaxError' || kind === 'TypeError';
  const message = messageOf(error);
  if (!isObject(exec)) return isMisread ? `its user '${name}' has an auth-provider that is not complete` : message;
  const plugin = `its exec plugin '${stringMember(exec, 'command') ?? ''}'`;
  if (isMisread) return `${plugin} printed no ExecCredential`;
  if (!message.endsWith(' ENOENT')) return `${plugin} failed: ${message === '' ? 'it did not say why' : message}`;
  const hint = stringMember(exec, 'installHint')?.trim().split('\n')[0];
  return `${plugin} is not installed${hint ? `: ${hint}` : ''}`;
}
