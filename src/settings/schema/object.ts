import * as z from 'zod';

/** Group and version of every object that the product reads. */
export const apiVersion = 'sidecar-injector.io/v1alpha1';

export const metadata = z.looseObject({ name: z.string().optional() }).optional();
