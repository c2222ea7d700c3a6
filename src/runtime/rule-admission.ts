import { decodeReview, reviewVersion, type AdmissionRequest } from '../admission/review.ts';
import type { Domains } from '../mesh/plan/service-plan.ts';
import { judge, judgeDeletion, type Judgement } from '../mesh/report/admission.ts';
import type { RuleKind } from '../mesh/rules/object-ref.ts';
import { ruleKinds } from '../mesh/rules/rule-kinds.ts';
import type { World } from '../mesh/world/world.ts';
import { failurePlace } from '../server/failure-place.ts';
import type { ReviewPage } from '../server/server.ts';
import type { Log } from '../telemetry/log.ts';

/** Path of the page that validates traffic rules. */
export const rulesPath = '/validate';

const kindNames = Object.keys(ruleKinds) as readonly RuleKind[];

/** Returns which kind of rules a request is about, in any version that the API server may send. */
function kindOf({ kind }: AdmissionRequest): RuleKind | undefined {
  return kindNames.find((name) =>
    ruleKinds[name].versions.some((version) => kind === `${ruleKinds[name].group}/${version}/${name}`),
  );
}

const nothing: Judgement = { refused: [], warnings: [] };

function writeReview(uid: string, { refused, warnings }: Judgement): string {
  const isAllowed = refused.length === 0;
  const status = { status: 'Failure', reason: 'Invalid', code: 422, message: refused.join('; ') };
  return JSON.stringify({
    apiVersion: reviewVersion,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: isAllowed,
      ...(isAllowed ? {} : { status }),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
  });
}

/**
 * Creates the page that is asked before a traffic rule is stored: what cannot be meant is refused, and of what will have no effect
 * its author is warned; so is who takes away what other rules need. An object that gets past it, because nobody could be asked, is not followed either.
 */
export function rulesPage(options: {
  readonly world: () => World;
  readonly domains: Domains;
  readonly log: Log;
  readonly judged: (outcome: 'allow' | 'deny') => void;
}): ReviewPage {
  const { log, judged } = options;

  function decide(request: AdmissionRequest): Judgement {
    const kind = kindOf(request);
    const { object, oldObject } = request;
    if (kind === undefined || request.subResource !== '') return nothing;
    try {
      if (object !== undefined) return judge(kind, object, options.world(), options.domains);
      return oldObject === undefined ? nothing : judgeDeletion(kind, oldObject, options.world(), options.domains);
    } catch (error) {
      log.error({ stack: failurePlace(error) }, 'a traffic rule could not be judged');
      return nothing;
    }
  }

  return {
    path: rulesPath,
    answer(text) {
      const decoded = decodeReview(text);
      if ('problem' in decoded) return decoded;
      const judgement = decide(decoded.request);
      judged(judgement.refused.length === 0 ? 'allow' : 'deny');
      return { body: writeReview(decoded.request.uid, judgement) };
    },
  };
}
