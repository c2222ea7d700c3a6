// The yardstick: what Node and Fastify alone need for the same exchange. It reads the review, looks at its uid, and
// answers every one with the text of a file.
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { createDevSource } from '../../src/certs/dev-source.ts';
import { tlsOptions } from '../../src/server/tls.ts';

const [caFile = '', answerFile = ''] = process.argv.slice(2);
const answer = await readFile(answerFile, 'utf8');
const source = createDevSource({ caFile });
const pair = await source.start();
const app = Fastify({ https: tlsOptions(pair), logger: false, bodyLimit: 7 * 1024 * 1024, keepAliveTimeout: 120_000 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/inject', async (request, reply) => {
  const review = JSON.parse((request.body as Buffer).toString('utf8')) as { request: { uid: string } };
  if (review.request.uid === '') return reply.code(400).send();
  return reply.type('application/json').send(answer);
});
await app.listen({ host: '127.0.0.1', port: 0 });
await source.announce?.();
const { port } = app.server.address() as AddressInfo;
process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
