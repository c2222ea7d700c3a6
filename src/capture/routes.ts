import type { CaptureIntent } from './intent.ts';

/**
 * Arguments of `ip` that lead marked packets to the proxy's transparent listener; none in mode REDIRECT, whose rules do
 * without routes. Adding them twice is an error of `ip`, so whoever runs them looks first.
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
