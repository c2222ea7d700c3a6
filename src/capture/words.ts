import { inboundSteps } from './inbound-steps.ts';
import type { CaptureIntent } from './intent.ts';
import type { Connection, Way } from './connection.ts';
import { outboundSteps } from './outbound-steps.ts';
import { bothFamilies } from './rule-text.ts';
import { direct, type CaptureRow, type Step } from './step.ts';

export type { CaptureRow };

/** Steps for a family that the cluster does not have according to the settings. */
function familySteps(intent: CaptureIntent): Step[] {
  return bothFamilies
    .filter((family) => !intent.families.includes(family))
    .flatMap((family) => {
      const name = family === 'v4' ? 'IPv4' : 'IPv6';
      const step = direct(
        `${name} traffic`,
        'any',
        `the settings say that this cluster has no ${name}`,
        (one) => one.family === family,
      );
      return [step('inbound'), step('outbound')];
    });
}

/** The steps of both directions, in the order in which they are evaluated. */
function stepsOf(intent: CaptureIntent): readonly Step[] {
  const steps = [...familySteps(intent), ...inboundSteps(intent), ...outboundSteps(intent)];
  return [
    ...steps.filter(({ row }) => row.direction === 'inbound'),
    ...steps.filter(({ row }) => row.direction === 'outbound'),
  ];
}

/** Explains in words what the rules of an intent do, in the order in which they are evaluated. */
export function explainCapture(intent: CaptureIntent): readonly CaptureRow[] {
  return stepsOf(intent).map(({ row }) => row);
}

/** Where a connection ends up according to the explanation: the first matching row of its direction decides. */
export function wayOf(intent: CaptureIntent, connection: Connection): Way {
  const step = stepsOf(intent).find(({ row, fits }) => row.direction === connection.direction && fits(connection));
  return step?.way ?? 'direct';
}
