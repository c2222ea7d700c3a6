import * as z from 'zod';
import { headerName, headerText, mapOfHeaders } from './values.ts';

/**
 * Envoy's commands in values that tell nothing but what the two sides of the request know anyway. Others read files and environment
 * variables of the client's proxy, which is not for everybody who may write a rule for it.
 */
const commands = [
  'DOWNSTREAM_LOCAL_ADDRESS',
  'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_LOCAL_PORT',
  'DOWNSTREAM_REMOTE_ADDRESS',
  'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_REMOTE_PORT',
  'HOSTNAME',
  'PROTOCOL',
  'REQUEST_DURATION',
  'RESPONSE_CODE',
  'RESPONSE_CODE_DETAILS',
  'RESPONSE_DURATION',
  'RESPONSE_FLAGS',
  'ROUTE_NAME',
  'START_TIME',
  'STREAM_ID',
  'UPSTREAM_CLUSTER',
  'UPSTREAM_HOST',
  'UPSTREAM_REMOTE_ADDRESS',
  'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'UPSTREAM_REMOTE_PORT',
];

const header = String.raw`:?[\w-]+`;
const command = new RegExp(
  String.raw`%(?:%|(?:${commands.join('|')})%|(?:REQ|RESP)\(${header}(?:\?${header})?\)(?::\d{1,4})?%)`,
  'g',
);

function commandProblem(text: string): string | undefined {
  const rest = text.replaceAll(command, '');
  if (!rest.includes('%')) return undefined;
  const name = /%([A-Z_]+)/.exec(rest)?.[1];
  const wrong =
    name === undefined ? 'has a single %' : `has %${name}, which is not allowed here or is not written like this`;
  return `${wrong}; allowed: %% for the sign itself, %REQ(NAME)%, %RESP(NAME)%, %${commands.join('%, %')}%`;
}

const value = headerText().superRefine((text, context) => {
  const problem = commandProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: text });
});

/** Names of headers that say where a message ends, in lower case: with another value, the rest of it would be taken for the next one. */
export const framing: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Why they are not set. */
export const framingRemedy = 'says where the message ends, which is the proxy’s to say; leave it out';

const otherThanHost = headerName.refine((name) => name.toLowerCase() !== 'host', {
  error:
    'cannot be changed here; allowed: any header but Host; it can be set among headers of requests, or by rewrite.authority',
});

/** Whether a name stands for the Host header. */
export function isHostHeader(name: string): boolean {
  return [':authority', 'host'].includes(name.toLowerCase());
}

const requestHeader = z.string().superRefine((name, context) => {
  const problem = isHostHeader(name) ? undefined : headerName.safeParse(name).error?.issues[0]?.message;
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: name });
});

function operations(name: z.ZodType<string>) {
  const changed = name.refine((text) => !framing.has(text.toLowerCase()), { error: framingRemedy });
  return z.strictObject({
    set: mapOfHeaders(changed, value).optional().describe('Headers that replace those of the same name.'),
    add: mapOfHeaders(changed, value).optional().describe('Values beside those of the same name.'),
    remove: z.array(otherThanHost).optional().describe('Names of headers that are taken out.'),
  });
}

/** Istio's Headers. */
export const headers = z.strictObject({
  request: operations(requestHeader)
    .optional()
    .describe('Headers of requests. `host` in `set` or `add` is what the application gets as Host.'),
  response: operations(otherThanHost).optional().describe('Headers of responses.'),
});

/** Headers that an object changes. */
export type Headers = z.output<typeof headers>;
