import { stopShared } from '../support/processes/shared-cluster.ts';

/** Stops what the set-up started. */
export default async function tearDown(): Promise<void> {
  await stopShared();
}
