import { escapeExpansion } from './bootstrap-text.ts';

/** Input of one proxy's command line. */
export interface EnvoyLaunch {
  /** Result of `renderBootstrap`; its `$` are already escaped. */
  readonly bootstrap: string;
  /** Number of worker threads; 0 means one per core. */
  readonly concurrency: number;
  /** Seconds within which drained connections are closed. */
  readonly drainSeconds: number;
  readonly logLevel: string;
  /** `component:level` pairs joined by commas; empty for none. */
  readonly componentLogLevel: string;
}

/**
 * Returns the arguments of the `envoy` command. Changed listeners take effect on open connections at once. Hot restart
 * is off: its sockets are shared by all containers of a pod, so a second Envoy in the pod would collide with ours.
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
