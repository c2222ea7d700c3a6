import { stringify } from 'yaml';
import type { JsonObject } from '../../../../json/json.ts';
import { worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import { indexLimits } from '../../../../mesh/plan/limit-plan.ts';
import { httpLimits } from '../../../../mesh/resources/limits.ts';
import { describeFinding } from '../../../../mesh/rules/finding.ts';
import { noRules } from '../../../../mesh/rules/rule-kinds.ts';
import type { Rule } from '../../../../mesh/rules/rule.ts';
import type { RateLimit } from '../../../../mesh/rules/security/rate-limit.ts';
import { exitCodes, print, remark, report, usageFailure, type Io } from '../../../io.ts';
import { readFiles } from '../objects.ts';
import type { EnvoyFilterOptions } from './options.ts';

/** Returns the EnvoyFilter. Its filter stands before the router, where requests have been let in by all others. */
function envoyFilterOf(rule: Rule<RateLimit> & { readonly spec: RateLimit }): JsonObject {
  const { ref, spec } = rule;
  const labels = spec.selector?.matchLabels ?? {};
  const rules = { ...noRules, RateLimit: new Map([[ref.name, rule]]) };
  const limits = indexLimits(rules, ref.namespace)({ namespace: ref.namespace, labels });
  const [typedConfig] = Object.values(httpLimits(limits));
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: `rate-limit-${ref.name}`, namespace: ref.namespace },
    spec: {
      ...(Object.keys(labels).length === 0 ? {} : { workloadSelector: { labels } }),
      configPatches: [
        {
          applyTo: 'HTTP_FILTER',
          match: {
            context: 'SIDECAR_INBOUND',
            listener: {
              filterChain: {
                filter: {
                  name: 'envoy.filters.network.http_connection_manager',
                  subFilter: { name: 'envoy.filters.http.router' },
                },
              },
            },
          },
          patch: {
            operation: 'INSERT_BEFORE',
            value: { name: `rate-limit.${ref.namespace}.${ref.name}`, typed_config: typedConfig ?? {} },
          },
        },
      ],
    },
  };
}

const notice =
  "# In istiod's proxies each port of a pod counts for itself, and an object of the root namespace needs no selector.\n";

/** Runs `mesh envoy-filter` and returns its exit code. */
export async function runEnvoyFilter(options: EnvoyFilterOptions, io: Io): Promise<number> {
  const filenames = options.filename ?? [];
  if (filenames.length === 0) return report(usageFailure('there is nothing to print', 'give -f FILE'), io);
  const files = await readFiles(filenames, io);
  if ('problems' in files) return report(files, io);
  const rules = [...worldOfObjects(files.objects, options.namespace ?? 'default').rules.RateLimit.values()];
  const understood = rules.flatMap(({ spec, ...rule }) => (spec === undefined ? [] : [{ ...rule, spec }]));
  const documents = understood.map((rule) => stringify(envoyFilterOf(rule), { lineWidth: 0 }));
  if (documents.length > 0) print((notice + documents.join('---\n')).trimEnd().split('\n'), io);
  for (const { ref, spec, findings } of rules) {
    if (spec !== undefined) continue;
    remark(
      findings.map((finding) => `RateLimit ${ref.namespace}/${ref.name} is refused: ${describeFinding(finding)}`),
      io,
    );
  }
  if (rules.length === 0) remark(['there is no RateLimit in the files'], io);
  return understood.length === rules.length ? exitCodes.fine : exitCodes.different;
}
