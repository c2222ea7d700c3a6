import { ports } from '../pod/conventions.ts';
import { askFunction, bash } from './admin-request.ts';
import { hookPaths } from './hooks.ts';
import type { PodSettings } from '../settings/effective.ts';

/**
 * Returns the command of a classic proxy's postStart hook. It returns as soon as the proxy accepts traffic; only then
 * does the kubelet start the next container. It fails after ten minutes, which restarts the proxy.
 */
export function readyCommand(admin: PodSettings['proxy']['admin']): string[] {
  return bash(
    [
      askFunction('GET', hookPaths.ready, admin === 'port' ? ports.admin : ports.hooks),
      'until ask; do [[ SECONDS -lt 600 ]] || { echo "ready: the proxy is not up after 600 s" >&2; exit 1; }; sleep 0.2; done',
    ].join('; '),
  );
}
