import { integer } from '../grammar/grammar.ts';

/** What a pod may ask of us whoever configures its proxy: how long application containers sleep before their end. */
export const drainAnnotation = {
  name: 'sidecar-injector.io/applicationDrainSeconds',
  grammar: integer(0, 3600),
} as const;
