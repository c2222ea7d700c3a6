import * as z from 'zod';

/** Modes of the built-in proxy: it needs nobody, or takes part in a mesh. Profiles choose between them. */
const builtIn = ['standalone', 'mesh'] as const;

/**
 * Who configures the proxy: nobody after its start (standalone), the control plane of the mesh (mesh), or an istiod, whose proxy it is
 * then (istiod).
 */
export const mode = z.enum([...builtIn, 'istiod']).default('standalone');

export const profileMode = z.enum(builtIn);
