import type { JsonObject } from '../json/json.ts';
import { accessFilterNames, deniedBy } from './access-filters.ts';
import type { Flow } from './flows.ts';
import { allOf, atMoments, where } from './log-filter.ts';
import { commonLabels, label, logger } from './metrics.ts';

type Subject = 'http' | 'tcp';

/** Where the filters of policies leave what they have decided. */
const decisions: Readonly<Record<Subject, string>> = {
  http: 'envoy.filters.http.rbac',
  tcp: 'envoy.filters.network.rbac',
};
const counted: Readonly<Record<Subject, string>> = { http: 'requests', tcp: 'connections' };

/** The same text as in the access log. */
function named(policy: string): string {
  return `rbac_access_denied_matched_policy[${policy}]`;
}

/** Returns a filter of what has a value among the decisions. */
function decided(of: Subject, name: string, value: JsonObject): JsonObject {
  const matcher = { filter: decisions[of], path: [{ key: name }], value };
  return { metadata_filter: { matcher, match_if_key_not_found: false } };
}

const forbidden: JsonObject = {
  status_code_filter: { comparison: { value: { default_value: 403, runtime_key: 'policy.denied' } } },
};

/** Requests by their code first: an expression costs more. */
const denied: Readonly<Record<Subject, JsonObject>> = {
  http: allOf(forbidden, where(`response.code_details.startsWith('${named('').slice(0, -1)}')`)),
  tcp: allOf(atMoments('TcpConnectionEnd'), where(`filter_state['${deniedBy}'] != b''`)),
};

function counter(flow: Flow, filter: JsonObject, name: string, policy: string): JsonObject {
  const tags = [...commonLabels(flow, '-'), label('policy', policy)];
  return { filter, ...logger(flow, [{ stat: { name, tags }, value_fixed: 1 }], []) };
}

/** Returns loggers that count what policies deny, and what those on trial would: with the labels of requests, and the policy. */
export function policyMetrics(flow: Flow, of: Subject): readonly JsonObject[] {
  const { deny, allow } = accessFilterNames;
  const [policy, result] = [`${deny.shadow}shadow_effective_policy_id`, `${allow.shadow}shadow_engine_result`];
  const atTheEnd = (filter: JsonObject): JsonObject =>
    of === 'http' ? filter : allOf(atMoments('TcpConnectionEnd'), filter);
  const trial = `policy_trial_denied_${counted[of]}_total`;
  return [
    counter(
      flow,
      denied[of],
      `policy_denied_${counted[of]}_total`,
      of === 'http' ? '%RESPONSE_CODE_DETAILS%' : `%FILTER_STATE(${deniedBy}:PLAIN)%`,
    ),
    counter(
      flow,
      atTheEnd(decided(of, policy, { present_match: true })),
      trial,
      named(`%DYNAMIC_METADATA(${decisions[of]}:${policy})%`),
    ),
    counter(flow, atTheEnd(decided(of, result, { string_match: { exact: 'denied' } })), trial, named('none')),
  ];
}
