import type { Question } from './question.ts';

/** Version of the form of links; a page refuses links of another one. */
const version = 'v1';

const fields = ['manifest', 'settings', 'namespace', 'namespaceLabels'] as const satisfies readonly (keyof Question)[];

/** Bytes of a question at most, after it was unpacked: a short link can ask for gigabytes. */
const mostBytes = 8_000_000;

async function throughStream(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = new Blob([bytes])
    .stream()
    .pipeThrough(stream as ReadableWritablePair<Uint8Array, Uint8Array>)
    .getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > mostBytes) {
      await reader.cancel();
      throw new Error(`would unpack to more than ${mostBytes} bytes`);
    }
    parts.push(read.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Writes a question as the fragment of a link, without `#`. Nobody but who gets the link sees it: browsers do not send fragments. */
export async function writeFragment(question: Question): Promise<string> {
  const json = JSON.stringify(fields.map((field) => question[field]));
  const packed = await throughStream(new TextEncoder().encode(json), new CompressionStream('deflate-raw'));
  let binary = '';
  for (const byte of packed) binary += String.fromCodePoint(byte);
  return `${version}=${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** Reads the fragment of a link. Throws with a sentence if it is none, was cut off or is too large. */
export async function readFragment(fragment: string): Promise<Question> {
  const [name, packed = ''] = fragment.split('=', 2);
  if (name !== version)
    throw new Error(`the link is not of this page: it begins with "${String(name).slice(0, 16)}"; allowed: ${version}`);
  try {
    const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.codePointAt(0) ?? 0);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      await throughStream(bytes, new DecompressionStream('deflate-raw')),
    );
    const values: unknown = JSON.parse(text);
    if (
      !Array.isArray(values) ||
      values.length !== fields.length ||
      !values.every((value) => typeof value === 'string')
    ) {
      throw new Error('other fields than these');
    }
    const [manifest = '', settings = '', namespace = '', namespaceLabels = ''] = values as readonly string[];
    return { manifest, settings, namespace, namespaceLabels };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the link cannot be read (${why}): copy it whole`, { cause: error });
  }
}
