import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import { headers } from './random-header-changes.ts';
import { few } from './random-members.ts';

/** A route that answers by itself. */
export const answered = fc.oneof(
  fc.record({
    redirect: few(1, 3, {
      uri: fc.constantFrom('/b', '/b/c'),
      prefixRewrite: fc.constantFrom('/p', '/p/'),
      authority: fc.constantFrom('other.example', 'other.example:8080'),
      scheme: fc.constantFrom('http', 'https'),
      port: fc.constantFrom(80, 443, 8080),
      derivePort: fc.constantFrom('FROM_REQUEST_PORT', 'FROM_PROTOCOL_DEFAULT'),
      redirectCode: fc.constantFrom(301, 302, 303, 307, 308),
    }).map((one) => {
      const { uri: _uri, ...withPrefix } = one;
      const { derivePort: _derive, ...withPort } = 'prefixRewrite' in one ? withPrefix : one;
      const { port, ...withoutPort } = 'port' in one ? withPort : 'prefixRewrite' in one ? withPrefix : one;
      // Of a default port, Istio leaves the request's own one.
      return port === undefined || (port !== 8080 && !('authority' in one)) ? withoutPort : { ...withoutPort, port };
    }),
    headers: fc.option(headers, { nil: undefined }),
  }),
  fc.record({
    directResponse: fc.constantFrom<JsonObject>(
      { status: 204 },
      { status: 200, body: { string: 'hello' } },
      { status: 503, body: { bytes: 'AAEC' } },
    ),
    headers: fc.option(headers, { nil: undefined }),
  }),
) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;
