import { isSame, member, objectMember, objectsMember, stringMember, stringsMember } from '../../json/json.ts';
import { isInjectedName, type PodContainer } from '../../pod/containers.ts';
import { names } from '../../pod/conventions.ts';
import { checkArguments } from '../../sidecars/standalone/check-container.ts';
import { captureVariable } from '../../sidecars/standalone/init-container.ts';
import { hasBootstrap } from '../policy/status-fit.ts';

/** Returns whether the container names its image, as all do that have been injected. */
function hasImage({ raw }: PodContainer): boolean {
  const image = stringMember(raw, 'image') ?? 'auto';
  return image !== 'auto' && image !== '';
}

const ruleVariables: ReadonlySet<string | undefined> = new Set(
  (['v4', 'v6', 'nft'] as const).map((rendering) => captureVariable(rendering)),
);

/**
 * Returns whether the container is one of the built-in sidecar as it was injected, and not a pod's own copy of it: such a
 * copy has no rules and no bootstrap. Nothing of it is kept, so it cannot matter who wrote it.
 */
export function isBuiltIn(container: PodContainer): boolean {
  if (!hasImage(container)) return false;
  const { name, raw } = container;
  if (name === names.proxyContainer) return hasBootstrap(raw);
  if (name === names.checkContainer) return isSame(member(raw, 'args') ?? null, [...checkArguments]);
  if (name !== names.initContainer) return false;
  const added = member(objectMember(objectMember(raw, 'securityContext'), 'capabilities'), 'add');
  const hasRules = objectsMember(raw, 'env').some((variable) => ruleVariables.has(stringMember(variable, 'name')));
  return hasRules && Array.isArray(added) && added.includes('NET_ADMIN');
}

/** What Istio's own containers run, as the first argument of its agent or as the program itself. */
const programs: ReadonlySet<string> = new Set(['proxy', 'istio-iptables', 'pilot-agent']);

/**
 * Returns whether a container is one of Istio's own injector, whose names are those of ours: it runs Istio's agent or its
 * loader of rules. A pod's own copy of ours never has arguments.
 */
export function isIstioContainer({ name, raw }: PodContainer): boolean {
  if (!isInjectedName(name)) return false;
  const [program] = [...(stringsMember(raw, 'command') ?? []), ...(stringsMember(raw, 'args') ?? [])];
  return program !== undefined && programs.has(program.slice(program.lastIndexOf('/') + 1));
}

/** Returns whether the container was injected by Istio's injector, or by ours in its mode. */
export function isInjectedIstioContainer(container: PodContainer): boolean {
  return hasImage(container) && isIstioContainer(container);
}
