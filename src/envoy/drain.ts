import { ports } from '../settings/constants.ts';

/**
 * Asks Envoy's admin interface with bash alone, because the image has no HTTP client. The answer is read to its end:
 * Envoy drops a request whose sender has gone. `answer` is the status line, or empty when nobody listens.
 */
function ask(method: 'GET' | 'POST', path: string): string {
  const request = `${method} ${path} HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n`;
  return [
    `exec 3<>/dev/tcp/127.0.0.1/${ports.admin} || exit 1`,
    `printf '${request}' >&3`,
    'read -r -t 5 answer <&3',
    'while read -r -t 5 rest <&3; do :; done',
  ].join('; ');
}

/** The preStop hook: inbound listeners drain gracefully, outbound ones go on. Fixed text. */
export function drainCommand(): string[] {
  return ['bash', '-c', ask('POST', '/drain_listeners?graceful&inboundonly')];
}
