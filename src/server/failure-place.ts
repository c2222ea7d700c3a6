/** A frame as V8 writes it, with a place in a file. */
const frame = /^ {4}at (?:[\w$.<>[\]# ]+ \()?(?:file:\/\/|node:|\/)[^\s()]+:\d+:\d+\)?$/;

const mostFrames = 10;

function kindOf(failure: Error): string {
  const { constructor }: { constructor: unknown } = Object.getPrototypeOf(failure) as object;
  return typeof constructor === 'function' ? constructor.name : 'Error';
}

/**
 * Where a failure happened: the class of the error and its frames. Not its text, name or members, which may be parts of
 * the pod, and a stack begins with the text. Undefined for what is no error.
 */
export function failurePlace(failure: unknown): string | undefined {
  if (!(failure instanceof Error) || typeof failure.stack !== 'string') return undefined;
  const { message, stack } = failure;
  const at = stack.indexOf(message);
  // A text that was changed later is not found; of its lines only those count that look like frames.
  const lines = stack.slice(at === -1 ? 0 : at + message.length).split('\n');
  const frames = lines.filter((line) => frame.test(line)).slice(0, mostFrames);
  return [kindOf(failure), ...frames].join('\n');
}
