import { admission } from './admission.ts';
import { auditor } from './auditor.ts';
import { capture } from './capture.ts';
import { certificates } from './certificates.ts';
import type { Edit } from './edit.ts';
import { engine } from './engine.ts';
import { guards } from './guards.ts';
import { mesh } from './mesh.ts';
import { playground } from './playground.ts';
import { policy } from './policy.ts';
import { rules } from './rules.ts';
import { server } from './server.ts';
import { texts } from './texts.ts';

/** Every protection that has a test, taken out one by one by `make mutate`. */
export const edits: readonly Edit[] = [
  ...admission,
  ...server,
  ...policy,
  ...engine,
  ...texts,
  ...capture,
  ...certificates,
  ...mesh,
  ...rules,
  ...guards,
  ...auditor,
  ...playground,
];
