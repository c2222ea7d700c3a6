import type { Injector } from '../injection/injector.ts';
import { decisionWithoutPatch, type Decision, type InjectionRequest } from '../injection/decision.ts';
import { reason, withCode } from '../injection/policy/reason.ts';
import { podName, viewPod } from '../pod/view.ts';
import { workloadOf, type Workload } from '../pod/workload.ts';
import { writeAnswer, type Answer } from './answer.ts';
import { decodeReview, type AdmissionRequest } from './review.ts';

/** Result of one review: the answer, and the facts for log and metrics. */
export type Reviewed =
  | { readonly status: 400; readonly problem: string }
  | {
      readonly status: 200;
      readonly answer: Answer;
      readonly decision: Decision;
      readonly request: AdmissionRequest;
      readonly pod: string;
      readonly workload: Workload;
      /** A caught bug of the injector, if any. The pod was admitted or denied according to the settings. */
      readonly failure: unknown;
    };

function isPodCreation(request: AdmissionRequest): boolean {
  return request.operation === 'CREATE' && request.kind === 'v1/Pod' && request.subResource === '';
}

type ProxyVariables = InjectionRequest['proxyVariables'];

function decideRequest(
  request: AdmissionRequest,
  injector: Injector,
  proxyVariables: ProxyVariables,
): { decision: Decision; failure?: unknown } {
  const { settings, hash } = injector.snapshot;
  if (!isPodCreation(request) || request.object === undefined) {
    return { decision: decisionWithoutPatch('skip', [reason('NotAPodCreation')], [], hash) };
  }
  try {
    const { object: pod, namespace } = request;
    return { decision: injector.decideInPlace({ pod, namespace, proxyVariables }) };
  } catch (failure) {
    const why = reason('InvalidPatch', 'the injector failed on this pod, please report it');
    const outcome = settings.injection.onInvalidPatch === 'deny' ? 'deny' : 'skip';
    const warnings = [`sidecar-injector: not injected: ${withCode(why)}`];
    return { decision: decisionWithoutPatch(outcome, [why], warnings, hash), failure };
  }
}

/**
 * Answers one AdmissionReview. Anything else than a v1 review with a request and a uid results in status 400 and a
 * sentence. Never throws because of a request's content.
 */
export function review(text: string, injector: Injector, proxyVariables?: ProxyVariables): Reviewed {
  const decoded = decodeReview(text);
  if ('problem' in decoded) return { status: 400, problem: decoded.problem };
  const { request } = decoded;
  if (isPodCreation(request) && request.object === undefined) {
    return { status: 400, problem: 'The request creates a pod and has no object.' };
  }
  // These are read before the decision, which consumes the pod.
  const view = viewPod(request.object ?? {});
  const pod = podName(view);
  const workload = workloadOf(view);
  const { decision, failure } = decideRequest(request, injector, proxyVariables);
  return {
    status: 200,
    answer: writeAnswer(request.uid, decision),
    decision,
    request,
    pod,
    workload,
    failure,
  };
}
