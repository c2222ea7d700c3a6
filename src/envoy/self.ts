/**
 * Address and name of the proxy's own pod: either those of a known pod, or marks that stand for values filled in later.
 */
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
 * The pod that a bootstrap will end up in, which is not known when the bootstrap is written. The text of the bootstrap
 * has Kubernetes' `$(NAME)` in these places, for variables of the proxy's container. The marks are lone surrogates,
 * which do not occur in well-formed text.
 */
export const unknownPod: Self = {
  address: mark('POD_IP'),
  name: mark('POD_NAME'),
  namespace: mark('POD_NAMESPACE'),
};

/** Splits the text at its marks. Items at even indices are text, items at odd indices are names of variables. */
export function splitMarks(text: string): readonly string[] {
  return text.includes(open) ? text.split(/\ud800(POD_IP|POD_NAME|POD_NAMESPACE)\udc00/) : [text];
}
