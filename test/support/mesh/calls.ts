import type { Agent, Heard } from '../network/agent.ts';
import { url } from '../network/scene.ts';

/** Asks a server of kind `http`, and returns what it tells of the request. Throws if the answer is none of its own. */
export async function askAt(
  client: Agent,
  host: string,
  port: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Heard> {
  const { status, body } = await client.ask({ url: url(host, port), headers });
  if (status !== 200) throw new Error(`${host}:${port} has answered with ${status}`);
  return JSON.parse(body) as Heard;
}

/** Address of the pod that has heard a request. */
export function podOf({ localAddress }: Heard): string {
  return localAddress.replace('::ffff:', '');
}

/** What a server says first, up to the end of its line; empty if it has said nothing. */
export async function bannerAt(client: Agent, host: string, port: number): Promise<string> {
  return (await client.dial({ host, port, until: '\n' })).text;
}
