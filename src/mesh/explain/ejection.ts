import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';

/** When endpoints of a cluster get no requests for a while, and how many of the present ones at once. Each client's proxy counts by itself. */
export interface Ejection {
  /** Failures in a row that eject an endpoint, by what counts as one. */
  readonly after: readonly { readonly failures: number; readonly of: string }[];
  /** How often it is looked at whether an endpoint comes back. */
  readonly interval: string;
  /** For how long, times how often it was ejected. */
  readonly baseTime: string;
  readonly endpoints: number;
  readonly maxPercent: number;
  /** How many endpoints can be ejected at once. */
  readonly most: number;
  /** Whether the percentage of so few is none, and one is ejected nevertheless. */
  readonly isOneAlways: boolean;
  /** Below this share of healthy endpoints all get requests, ejected ones too; 0 is never. */
  readonly panicPercent: number;
}

const counted: Readonly<Record<string, string>> = {
  consecutive_5xx: 'answers 5xx and failures to connect',
  consecutive_gateway_failure: 'answers 502, 503, 504 and failures to connect',
  consecutive_local_origin_failure: 'failures to connect',
};

/**
 * Returns the arithmetic of a cluster's outlier detection. Envoy ejects one more endpoint as long as the share of ejected ones, it
 * included, stays within `max_ejection_percent` of all endpoints, ready or not; with `always_eject_one_host` the first one always.
 */
export function ejectionOf(cluster: JsonObject, endpoints: number): Ejection | undefined {
  const detection = objectMember(cluster, 'outlier_detection');
  if (detection === undefined) return undefined;
  const isSplit = member(detection, 'split_external_local_origin_errors') === true;
  const maxPercent = Number(member(detection, 'max_ejection_percent') ?? 10);
  const byShare = Math.floor((endpoints * maxPercent) / 100);
  const isOneAlways = byShare === 0 && endpoints > 0 && member(detection, 'always_eject_one_host') === true;
  const panic = objectMember(objectMember(cluster, 'common_lb_config'), 'healthy_panic_threshold');
  return {
    after: Object.entries(counted).flatMap(([key, of]) => {
      const failures = Number(member(detection, key) ?? 0);
      return failures === 0 ? [] : [{ failures, of: isSplit ? of.replace(' and failures to connect', '') : of }];
    }),
    interval: stringMember(detection, 'interval') ?? '10s',
    baseTime: stringMember(detection, 'base_ejection_time') ?? '30s',
    endpoints,
    maxPercent,
    most: isOneAlways ? 1 : byShare,
    isOneAlways,
    panicPercent: Number(member(panic, 'value') ?? 50),
  };
}
