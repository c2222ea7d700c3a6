import * as z from 'zod';

/** API group and version of all objects that the injector reads. */
export const apiVersion = 'sidecar-injector.io/v1alpha1';

export const metadata = z.looseObject({ name: z.string().optional() }).optional();
