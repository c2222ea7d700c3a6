import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { readRule } from './reading.ts';
import type { Rule } from './rule.ts';

const parentRef = z.strictObject({
  group: z.string().default('gateway.networking.k8s.io'),
  kind: z.string().default('Gateway'),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: z.int().optional(),
});

const route = z.strictObject({ parentRefs: z.array(parentRef).default([]) });

/** The `spec` of an HTTPRoute. */
export type HttpRoute = z.output<typeof route>;

/** The `spec` of a GRPCRoute. */
export type GrpcRoute = z.output<typeof route>;

/** Reads an HTTPRoute. */
export function readHttpRoute(object: JsonObject): Rule<HttpRoute> {
  return readRule('HTTPRoute', object, route);
}

/** Reads a GRPCRoute. */
export function readGrpcRoute(object: JsonObject): Rule<GrpcRoute> {
  return readRule('GRPCRoute', object, route);
}
