import type { ObjectRef } from '../rules/object-ref.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import type { RouteContext, TranslatedRoutes } from './route-context.ts';

/** Returns the rules that a VirtualService makes for one port. */
export function translateVirtualService(
  _spec: VirtualService,
  _ref: ObjectRef,
  _context: RouteContext,
): TranslatedRoutes {
  return { rules: [], findings: [] };
}
