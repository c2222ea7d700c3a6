import type { CaptureIntent } from './intent.ts';

/**
 * Arguments of `ip` that route marked packets to the proxy's transparent listener; none in mode REDIRECT, which needs
 * no routes. `ip` fails on a route that already exists, so callers must check first.
 */
export function captureRoutes({ mode, families, tproxy }: CaptureIntent): readonly (readonly string[])[] {
  if (mode !== 'TPROXY') return [];
  return families.flatMap((family) => {
    const version = family === 'v4' ? '-4' : '-6';
    const table = String(tproxy.routeTable);
    return [
      [version, 'rule', 'add', 'fwmark', String(tproxy.inboundMark), 'lookup', table],
      [version, 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', table],
    ];
  });
}
