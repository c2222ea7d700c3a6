import type { Flavour } from '../flavour.ts';
import { istioTemplateNames } from '../../../istio/templates/templates.ts';
import { names } from '../../../pod/conventions.ts';
import { containersOf } from '../../../pod/containers.ts';
import { additionOperations } from '../../patch/patch.ts';
import { terminationOf, planSleeps, sleepOperation } from '../../plan/prestop-sleep.ts';
import { misfitSidecars } from '../../policy/status-fit.ts';
import { atLeastOne, reason, reasonsOf } from '../../policy/reason.ts';
import { laterEdits, recordedFragments } from '../later-edits.ts';
import { applicationOf, recordEdits, unchanged, wordsFor } from '../reinvocation.ts';
import { planAddedProbes } from './added-probes.ts';
import { drainSecondsOf } from './drain-seconds.ts';
import { wantedTemplates } from './inject.ts';

/**
 * Plans what containers added since the injection need: rewritten probes, hooks, and what declared sidecars add to
 * every container.
 */
export const proposeIstiodReinvocation: Flavour['reinvoke'] = (view, record, request, snapshot) => {
  const wanted = wantedTemplates(view, snapshot);
  const misfits = atLeastOne(
    'problem' in wanted
      ? reasonsOf('InvalidAnnotation', [wanted.problem])
      : misfitSidecars(
          record,
          [...wanted.istio, ...wanted.declared],
          istioTemplateNames(snapshot.settings.istiod.values),
          request.namespace,
          snapshot,
        ),
  );
  if (misfits !== undefined) return { outcome: 'deny', reasons: misfits };
  const later = laterEdits(view, record, recordedFragments(view, record, snapshot));
  const proxy = containersOf(view).find(({ name }) => name === names.proxyContainer);
  const own = applicationOf(view, record);
  const { edits, operations } =
    proxy === undefined ? { edits: [], operations: [] } : planAddedProbes(view, own, proxy, snapshot);
  const sleeps = planSleeps(own, drainSecondsOf(view, request.namespace, snapshot), terminationOf(view, snapshot));
  const touched = [...edits, ...later, ...sleeps.edits];
  if (touched.length === 0) return unchanged();
  const recorded = recordEdits(view, record, { probes: edits, sleeps: sleeps.edits, lists: later, annotations: [] });
  if ('outcome' in recorded) return recorded;
  return {
    operations: [
      ...later.flatMap(additionOperations),
      ...operations,
      ...sleeps.edits.map(sleepOperation),
      recorded.operation,
    ],
    record: recorded.record,
    reasons: [reason('ProbesAdded', `injected before; ${wordsFor(touched)}`)],
    warnings: sleeps.warnings,
    added: undefined,
    capture: undefined,
  };
};
