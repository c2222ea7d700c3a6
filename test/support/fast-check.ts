import { configureGlobal, readConfigureGlobal } from 'fast-check';

export * from 'fast-check';

/** What all random inputs of a test file follow from: `FAST_CHECK_SEED`, otherwise another one in every run. */
export const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);

configureGlobal({ ...readConfigureGlobal(), seed });
