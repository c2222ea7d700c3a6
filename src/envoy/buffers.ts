/** Most bytes that a captured connection holds for a side that reads slowly. Envoy's default is a MiB. */
export const bufferBytes = 65_536;
