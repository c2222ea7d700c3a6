import { statusAnnotation } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationsTooLarge } from './annotation-size.ts';
import { writePatch } from './patch.ts';
import type { Plan } from '../plan/plan.ts';
import type { Proposal, Refusal } from './proposal.ts';
import type { Snapshot } from '../snapshot.ts';

/** Writes the patch of a plan with its record, unless the API server would refuse the pod for its annotations. */
export function writeProposal(
  view: PodView,
  plan: Plan,
  snapshot: Snapshot,
  said: Pick<Proposal, 'reasons' | 'remarks' | 'added' | 'capture' | 'proxy'>,
): Proposal | Refusal {
  const { operations, record, status } = writePatch(view, plan, {
    settingsHash: snapshot.hash,
    overruled: plan.overruled,
    version: snapshot.version,
  });
  const tooLarge = annotationsTooLarge(view, { ...plan.annotations, [statusAnnotation]: status });
  return tooLarge ?? { operations, texts: plan.texts, record, ...said };
}
