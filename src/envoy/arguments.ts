import { escapeExpansion } from './bootstrap-text.ts';

/** What the command line of one proxy is made of. */
export interface EnvoyLaunch {
  /** Text of `renderBootstrap`, whose `$` are escaped already. */
  readonly bootstrap: string;
  /** Worker threads; 0 for one a core. */
  readonly concurrency: number;
  /** Seconds in which drained connections end. */
  readonly drainSeconds: number;
  readonly logLevel: string;
  /** `component:level` pairs joined by commas; empty for none. */
  readonly componentLogLevel: string;
}

/**
 * Arguments of the `envoy` command. Changed listeners take effect on open
 * connections at once. Hot restart is off: its sockets are shared by a pod's containers, so another Envoy in the
 * pod would collide with ours.
 */
export function envoyArguments(launch: EnvoyLaunch): string[] {
  const { bootstrap, concurrency, drainSeconds, logLevel, componentLogLevel } = launch;
  return [
    '--config-yaml',
    bootstrap,
    '--drain-time-s',
    String(drainSeconds),
    '--drain-strategy',
    'immediate',
    '--disable-hot-restart',
    ...(concurrency === 0 ? [] : ['--concurrency', String(concurrency)]),
    '--log-level',
    escapeExpansion(logLevel),
    ...(componentLogLevel === '' ? [] : ['--component-log-level', escapeExpansion(componentLogLevel)]),
  ];
}
