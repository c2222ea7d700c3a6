import { ports } from '../pod/conventions.ts';

/**
 * Returns a bash function `ask` that sends one request to a loopback port of Envoy (by default the admin interface) and
 * succeeds if the response status is 200. It uses bash alone, because Envoy's image has no HTTP client. The response is
 * read to its end, because Envoy drops a request whose sender has gone. The text must contain neither `$(` nor `$$`,
 * which Kubernetes would expand.
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

/** Returns the command that runs a script in bash. */
export function bash(script: string): string[] {
  return ['/bin/bash', '-c', script];
}
