import * as z from 'zod';
import { quote } from '../../../grammar/problem.ts';
import { readRegularExpression } from '../regular-expression.ts';

/** What Go's durations are made of, in milliseconds. */
const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };
const longestHours = 876_000;

function milliseconds(text: string): number | undefined {
  if (text.length > 64 || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)([a-zµ]+)/g);
  const sum = [...parts].reduce((total, [, number, unit = '']) => total + Number(number) * (unitMs[unit] ?? 0), 0);
  const whole = Math.round(sum);
  return Math.abs(sum - whole) < 1e-6 ? whole : undefined;
}

/**
 * A duration as Go writes it, read into milliseconds.
 *
 * @param minimum smallest one in milliseconds
 * @param step what it is a multiple of, in milliseconds
 */
export function duration(minimum = 1, step: 1 | 1000 = 1) {
  const from = minimum === 0 ? '0s, or from 1ms' : `${minimum}ms`;
  const unit = step === 1 ? 'milliseconds' : 'seconds';
  const allowed = `allowed: a duration such as "5s", "0.5s" or "1m", in whole ${unit}, from ${from} to ${longestHours}h`;
  return z
    .string({ error: allowed })
    .transform((text, context) => {
      const value = text === '0' ? 0 : milliseconds(text);
      const isAllowed = value !== undefined && value >= minimum && value <= longestHours * 3.6e6 && value % step === 0;
      if (isAllowed) return value;
      context.addIssue({ code: 'custom', message: allowed, input: text });
      return z.NEVER;
    })
    .meta({ title: 'duration' });
}

/** A whole number. */
export function whole(minimum: number, maximum: number) {
  const allowed = `allowed: a whole number from ${minimum} to ${maximum}`;
  return z.int({ error: allowed }).min(minimum, { error: allowed }).max(maximum, { error: allowed });
}

/** Whole numbers that the API holds in 32 bits; none is below zero. */
export const count = whole(0, 2_147_483_647);

/** One of the API's wrapper types, which may be null for absent. */
export function wrapped<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** Istio's Percent, read into millionths. */
export const percentage = z
  .strictObject({
    value: z
      .number({ error: 'allowed: 0, or a number from 0.0001 to 100' })
      .refine((value) => value === 0 || (value >= 0.0001 && value <= 100), {
        error: 'allowed: 0, or a number from 0.0001 to 100',
      })
      .default(0)
      .describe('Percent, from 0.0001 to 100, or 0.'),
  })
  .transform(({ value }) => Math.round(value * 10_000));

/** A percentage in whole percent. */
export const wholePercent = whole(0, 100);

/** Text that can be part of a header. */
export function headerText(allowed = 'allowed: text without control characters') {
  // eslint-disable-next-line no-control-regex
  return z.string().regex(/^[^\u0000-\u0008\u000A-\u001F\u007F]*$/, { error: allowed });
}

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;

/** Name of a header that may be changed or looked at. */
export const headerName = z.string().regex(namePattern, {
  error: "allowed: the name of a header: letters, digits and !#$%&'*+-.^_`|~",
});

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Name of a namespace, or of a subset. */
export const dnsLabel = z.string().regex(label, {
  error: 'allowed: at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends',
});

function isHost(text: string): boolean {
  return (
    text.length <= 253 &&
    text
      .toLowerCase()
      .split('.')
      .every((part) => label.test(part))
  );
}

/** Name of a host without a wildcard, in lower case. */
export const exactHost = z
  .string({ error: 'allowed: the name of a Service, or a full name in DNS' })
  .refine(isHost, {
    error:
      'allowed: the name of a Service, such as reviews, or a full name in DNS, such as reviews.shop.svc.cluster.local',
  })
  .transform((text) => text.toLowerCase());

/** Name of a host, which may begin with a wildcard, or an address. */
export const anyHost = z
  .string({ error: 'allowed: the name of a Service, or a full name in DNS' })
  .refine(
    (text) =>
      text === '*' || isHost(text.replace(/^\*\./, '')) || z.union([z.ipv4(), z.ipv6()]).safeParse(text).success,
    {
      error: 'allowed: the name of a Service, a full name in DNS, or one that begins with "*."',
    },
  )
  .transform((text) => text.toLowerCase());

/** A port. */
export const portNumber = whole(1, 65_535);

/** Istio's PortSelector. */
export const portSelector = z.strictObject({ number: portNumber.describe('Port of the Service.') });

/** A map with text keys, of which each is allowed by a schema of its own. */
export function mapOf<S extends z.ZodType>(key: z.ZodType<string>, value: S) {
  return z.record(z.string(), value).superRefine((map, context) => {
    for (const name of Object.keys(map)) {
      const problem = key.safeParse(name).error?.issues[0];
      if (problem !== undefined) {
        context.addIssue({ code: 'custom', path: [name], message: `${quote(name)}: ${problem.message}`, input: name });
      }
    }
  });
}

/** A map of headers by name, of which none stands there twice: the case of a name means nothing. */
export function mapOfHeaders<S extends z.ZodType>(key: z.ZodType<string>, value: S) {
  return mapOf(key, value).superRefine((map, context) => {
    const names = new Map<string, string>();
    for (const name of Object.keys(map)) {
      const before = names.get(name.toLowerCase());
      const message = `${quote(name)} is the same header as ${quote(before ?? '')}; leave one of them out`;
      if (before !== undefined) context.addIssue({ code: 'custom', path: [name], message, input: name });
      names.set(name.toLowerCase(), name);
    }
  });
}

const labelName = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

/** Labels of pods. */
export const labels = mapOf(
  z.string().regex(labelName, { error: 'allowed: the name of a label' }),
  z.string().regex(labelValue, { error: 'allowed: the value of a label' }),
);

/** A regular expression, which has to match a whole text. */
export const regularExpression = z.string().superRefine((text, context) => {
  const read = readRegularExpression(text);
  if ('problem' in read) context.addIssue({ code: 'custom', message: read.problem, input: text });
});

/** Namespaces that an object counts in. */
export const exportTo = z
  .array(
    z.string().refine((text) => ['*', '.'].includes(text) || label.test(text), {
      error: 'allowed: "*" for all, "." for the object\'s own, or the name of a namespace',
    }),
  )
  .superRefine((names, context) => {
    const twice = names.findIndex((name, index) => names.indexOf(name) < index);
    if (twice >= 0)
      context.addIssue({ code: 'custom', path: [twice], message: 'stands here a second time', input: names[twice] });
    if (names.includes('*') && names.length > 1) {
      context.addIssue({ code: 'custom', message: '"*" stands for all namespaces: leave the others out' });
    }
  });
