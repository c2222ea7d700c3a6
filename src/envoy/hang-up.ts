import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import { scriptFilter, type SharedScript } from './lua.ts';
import { shortened } from './lua-text.ts';

/*
 * A client keeps its connection until the server ends it, and then looks for the server again, which may have another
 * address by now. Envoy ends only its own connection to the server and dials the same address for ever. So it ends the
 * client's, too: after an answer that says so, and after its own answer that the server could not be reached.
 */

/**
 * Marks the proxy's own answers about a connection that could not be opened (UF), or that ended without an answer (UC), in the
 * words of RFC 9209. The server's own 503 is none of them, nor is a single stream that the server has reset.
 */
const mark = { key: 'proxy-status', value: 'sidecar;error=destination_unavailable' } as const;

export const unreachableReplies: JsonObject = {
  mappers: [{ filter: { response_flag_filter: { flags: ['UF', 'UC'] } }, headers_to_add: [{ header: mark }] }],
};

/** Nothing else in Envoy 1.40 ends a connection because of an answer. HTTP/2 gets GOAWAY, and its other streams go on. */
const drain = 'r:streamInfo():drainConnectionUponCompletion()';

const name = 'hang_up';

/** Member of a route's context with the text of a script, which returns the function that is to handle the route's responses. */
export const handlerKey = 'handler';

/**
 * The same script, by which other listeners have their responses handled in its interpreter: on routes with a context. What they hand it is
 * compiled when it is used for the first time.
 */
export const sharedScript: SharedScript = {
  name,
  script: shortened(`function envoy_on_response(r)
local code=r:filterContext():get'${handlerKey}'
if code then handle=handle or loadstring(code)() handle(r) else ${drain} end
end`),
};

function field(header_name: string, value_match: JsonObject): JsonObject {
  const input = extension('f', 'envoy.type.matcher.v3.HttpResponseHeaderMatchInput', { header_name });
  return { single_predicate: { input, value_match } };
}

const isLast: JsonObject = {
  or_matcher: {
    predicate: [field(mark.key, { exact: mark.value }), field('connection', { contains: 'close', ignore_case: true })],
  },
};

/** Returns an HTTP filter that runs its script only for those answers: it would cost every other one twice as much as the look. */
function forLast(script: SharedScript): JsonObject {
  return extension(name, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: scriptFilter(script),
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: { not_matcher: isLast },
            on_match: { action: extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter') },
          },
        ],
      },
    },
  });
}

/**
 * Filters of captured requests that end such connections: in the interpreter of the metrics page, or with a shorter script in one of their
 * own, without such a page, or with a control plane, which sends many of them.
 */
export const hangUp = {
  shared: forLast(sharedScript),
  own: forLast({ name, script: `function envoy_on_response(r) ${drain} end` }),
} as const;
