import { stopShared } from '../support/shared-cluster.ts';

/** Stops what the set-up started. */
export default async function tearDown(): Promise<void> {
  await stopShared();
}
