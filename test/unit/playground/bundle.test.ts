import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildPlayground } from '../../../scripts/playground.ts';
import { root } from '../../../scripts/checkout.ts';

let page: string;

/** What of the page matches; the page itself would fill a screen. */
const found = (pattern: RegExp): string[] => page.match(pattern)?.slice(0, 1) ?? [];

beforeAll(async () => {
  page = await buildPlayground();
});

describe('the page as a file', () => {
  test('holds everything: it names nothing that a browser would fetch', () => {
    expect(found(/<(?:script|img|link|iframe)[^>]*\s(?:src|href)=(?!"data:,")/)).toEqual([]);
    expect(found(/<style>[^<]*(?:@import|\burl\()/)).toEqual([]);
  });

  test('uses nothing of Node and no code from texts', () => {
    expect(found(/["'`]node:|\brequire\(["'`]|\bBuffer\.from\b|\bprocess\.(?:env|stdout|exit)\b/)).toEqual([]);
    expect(found(/\beval\(|\.innerHTML\b|\.outerHTML\b|insertAdjacentHTML|document\.write/)).toEqual([]);
  });

  test('forbids requests, and allows its own script and style by what is in them', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    const hash = "'sha256-[A-Za-z0-9+/]{43}='";
    expect(policy).toMatch(
      new RegExp(
        `^default-src 'none'; script-src ${hash}; style-src ${hash}; worker-src blob:; img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types engine$`,
      ),
    );
  });

  test('is the same at every build', async () => {
    expect((await buildPlayground()) === page).toBe(true);
  });

  test('is no part of the checkout', () => {
    expect(readFileSync(path.join(root, '.gitignore'), 'utf8')).toContain('/dist/\n');
  });
});
