import type { JsonObject } from '../json/json.ts';

/** Filters of the requests to a pod that run only where its routes say so: who may make them. */
export const accessFilters: readonly JsonObject[] = [];
