import { ports } from '../pod/conventions.ts';
import { askFunction, bash } from './admin-request.ts';
import { hookPaths } from './hooks.ts';
import type { Effective } from '../settings/effective.ts';

/**
 * Command of a classic proxy's postStart hook: returns as soon as the proxy takes traffic. The kubelet starts the next
 * container only then. Fails after ten minutes, which restarts the proxy.
 */
export function readyCommand(admin: Effective['proxy']['admin']): string[] {
  return bash(
    [
      askFunction('GET', hookPaths.ready, admin === 'port' ? ports.admin : ports.hooks),
      'until ask; do [[ SECONDS -lt 600 ]] || { echo "ready: the proxy is not up after 600 s" >&2; exit 1; }; sleep 0.2; done',
    ].join('; '),
  );
}
