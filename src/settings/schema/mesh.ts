import * as z from 'zod';

const hostAndPort = /^(?:[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\]):([1-9]\d{0,4})$/;

/** Whether the text is a name or an address with a port. */
function isAddress(text: string): boolean {
  const [, , port] = hostAndPort.exec(text) ?? [];
  return port !== undefined && Number(port) <= 65_535;
}

/** How proxies of a mesh reach its control plane. */
export const mesh = z.strictObject({
  /** Host and port. Default: the Service of the manifest, in the cluster's DNS domain. */
  address: z
    .string()
    .refine(isAddress, 'allowed: a name or an address with a port, such as control-plane.mesh.svc:15012')
    .optional(),
  /** Audience of the tokens that proxies show; the control plane takes no other. */
  audience: z
    .string()
    .regex(/^[\x21-\x7e]{1,253}$/, 'allowed: 1 to 253 visible characters of ASCII')
    .default('sidecar-injector-mesh'),
});
