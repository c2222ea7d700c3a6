import { config } from 'zod';

/** The page's policy forbids code from text, so the library must not even try. Imported before every schema. */
export const { jitless } = config({ jitless: true });
