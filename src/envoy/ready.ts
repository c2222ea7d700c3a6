import { ports } from '../settings/constants.ts';

/**
 * Command that returns once the proxy is ready: a classic sidecar's postStart hook, which holds the containers after it.
 * Fixed text, no value of a user reaches the shell. Gives up after about a minute, which restarts the proxy.
 */
export function readyCommand(): string[] {
  return [
    'bash',
    '-c',
    `for try in {1..300}; do if { exec 3<>/dev/tcp/127.0.0.1/${ports.health}; } 2>/dev/null; then ` +
      String.raw`printf 'GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3; ` +
      `read -r _ status _ <&3; exec 3<&-; [ "$status" = 200 ] && exit 0; fi; sleep 0.2; done; ` +
      `echo 'the proxy did not become ready' >&2; exit 1`,
  ];
}
