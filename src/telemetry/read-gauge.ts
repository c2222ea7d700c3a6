import { Gauge, type Registry } from '@prometheus-io/client';

/** Creates a gauge whose value is read when metrics are collected. */
export function readGauge(
  options: { readonly name: string; readonly help: string; readonly registers: Registry[] },
  value: () => number,
): Gauge {
  return new Gauge({
    ...options,
    collect() {
      this.set(value());
    },
  });
}
