import { duration } from '../../../envoy/extension.ts';
import { otherHosts, retries } from '../../../envoy/routes.ts';
import type { JsonObject } from '../../../json/json.ts';
import type { RetryPlan } from '../../plan/route-plan.ts';

const byStatus = 'retriable-status-codes';

/** Returns the `retry_policy` of a route's action: what the plan says, or else what `usual` says. */
export function retryPolicy(plan: RetryPlan | undefined, usual: JsonObject): JsonObject {
  if (plan === undefined) return { retry_policy: usual };
  const { attempts, conditions, statusCodes, perTryMs, backoffMs, mayRepeatEndpoint } = plan;
  if (attempts === 0) return {};
  const words = new Set(conditions ?? retries.service.retry_on.split(','));
  if (statusCodes.length > 0) words.add(byStatus);
  return {
    retry_policy: {
      retry_on: [...words].join(','),
      num_retries: attempts,
      ...(mayRepeatEndpoint === true ? {} : otherHosts),
      ...(statusCodes.length === 0 ? {} : { retriable_status_codes: [...statusCodes] }),
      ...(perTryMs === undefined ? {} : { per_try_timeout: duration(perTryMs) }),
      ...(backoffMs === undefined ? {} : { retry_back_off: { base_interval: duration(Math.max(1, backoffMs)) } }),
    },
  };
}
