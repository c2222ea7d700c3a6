import { ports } from '../pod/conventions.ts';

/**
 * A bash function `ask` that sends one request to a loopback port of Envoy, the admin interface unless told otherwise, and succeeds when the answer is 200. Bash
 * alone, because Envoy's image has no HTTP client. The answer is read to its end, so that Envoy does not drop a request
 * whose sender has gone. No `$(` and no `$$` may stand in such a text: Kubernetes would replace them.
 */
export function askFunction(method: 'GET' | 'POST', path: string, port: number = ports.admin): string {
  const request = `${method} ${path} HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n`;
  return [
    `ask() { { exec 3<>/dev/tcp/127.0.0.1/${port}; } 2>/dev/null || return 1`,
    `printf '${request}' >&3`,
    'local status rest',
    'read -r -t 5 status <&3',
    'while read -r -t 5 rest <&3; do :; done',
    'exec 3>&-',
    "[[ $status == *' 200 '* ]]; }",
  ].join('; ');
}

/** The command line of a script for bash. */
export function bash(script: string): string[] {
  return ['/bin/bash', '-c', script];
}
