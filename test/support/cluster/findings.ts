import { appendFileSync } from 'node:fs';

/**
 * Tells a figure that a scenario found: to whoever watches, and as a JSON line to the file of `CLUSTER_FINDINGS` when it
 * is set, from which `make cluster-bench` writes its page.
 */
export function report(name: string, figures: object): void {
  process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`);
  const file = process.env['CLUSTER_FINDINGS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, figures })}\n`);
}
