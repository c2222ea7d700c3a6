/** Where the proxy's own pod is: as addresses of one pod, or as marks that each pod fills in by itself. */
export interface Self {
  readonly address: string;
  readonly name: string;
  readonly namespace: string;
}

const open = '\ud800';
const close = '\udc00';

function mark(variable: string): string {
  return `${open}${variable}${close}`;
}

/**
 * The pod that a bootstrap ends up in, which nobody knows when it is written: the bootstrap's text has Kubernetes' `$(NAME)`
 * in these places, for variables of the proxy's container. The marks are lone surrogates, which no well-formed text has.
 */
export const unknownPod: Self = {
  address: mark('POD_IP'),
  name: mark('POD_NAME'),
  namespace: mark('POD_NAMESPACE'),
};

/** The text cut at its marks: texts at even places, names of variables at odd ones. */
export function splitMarks(text: string): readonly string[] {
  return text.includes(open) ? text.split(/\ud800(POD_IP|POD_NAME|POD_NAMESPACE)\udc00/) : [text];
}
