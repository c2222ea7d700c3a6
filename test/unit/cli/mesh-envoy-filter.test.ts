import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { runCommand } from '../../support/builders/recorded-io.ts';

function rateLimit(spec: string): string {
  return `
apiVersion: mesh.sidecar-injector.io/v1alpha1
kind: RateLimit
metadata: {name: cart, namespace: shop}
spec: ${spec}
`;
}

const run = (text: string) => runCommand(['mesh', 'envoy-filter', '--filename', '-'], text);

describe('mesh envoy-filter', () => {
  test('prints an EnvoyFilter for the same pods with the same limits', async () => {
    const { code, stdout, stderr } = await run(
      rateLimit(
        '{selector: {matchLabels: {app: cart}}, limits: [{requests: 5, per: Minute, match: {methods: [POST]}}]}',
      ),
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(parse(stdout)).toMatchObject({
      kind: 'EnvoyFilter',
      metadata: { name: 'rate-limit-cart', namespace: 'shop' },
      spec: {
        workloadSelector: { labels: { app: 'cart' } },
        configPatches: [
          {
            applyTo: 'HTTP_FILTER',
            match: { context: 'SIDECAR_INBOUND' },
            patch: {
              operation: 'INSERT_BEFORE',
              value: {
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
                  descriptors: [
                    {
                      entries: [{ key: 'limit', value: 'shop/cart/0' }],
                      token_bucket: { max_tokens: 5, tokens_per_fill: 5, fill_interval: '60s' },
                    },
                  ],
                  rate_limits: [
                    {
                      actions: [
                        {
                          header_value_match: {
                            headers: [{ name: ':method', string_match: { safe_regex: { regex: '(?:POST)' } } }],
                          },
                        },
                      ],
                    },
                  ],
                },
              },
            },
          },
        ],
      },
    });
  });

  test('says which are refused, and prints the others', async () => {
    const { code, stdout, stderr } = await run(rateLimit('{limits: [{requests: 5, per: Day}]}'));
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('RateLimit shop/cart is refused: /spec/limits/0/per: "Day"');
  });

  test('says that there are none', async () => {
    expect(await run('apiVersion: v1\nkind: Service\nmetadata: {name: cart}\n')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'there is no RateLimit in the files\n',
    });
    expect((await runCommand(['mesh', 'envoy-filter'])).code).toBe(2);
  });
});
