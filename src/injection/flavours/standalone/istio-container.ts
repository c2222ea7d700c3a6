import { stringsMember } from '../../../json/json.ts';
import { isInjectedName, type PodContainer } from '../../../pod/containers.ts';

/** What Istio's own containers run, as the first argument of its agent or as the program itself. */
const programs: ReadonlySet<string> = new Set(['proxy', 'istio-iptables', 'pilot-agent']);

/** Names of Istio's containers besides those that have the names of ours. */
const otherNames: ReadonlySet<string> = new Set(['istio-validation']);

/**
 * Returns whether a container is one of Istio's own injector, whose names are those of ours: it runs Istio's agent or its
 * loader of rules. A pod's own copy of ours never has arguments.
 */
export function isIstioContainer({ name, raw }: PodContainer): boolean {
  if (!isInjectedName(name) && !otherNames.has(name)) return false;
  const [program] = [...(stringsMember(raw, 'command') ?? []), ...(stringsMember(raw, 'args') ?? [])];
  return program !== undefined && programs.has(program.slice(program.lastIndexOf('/') + 1));
}
