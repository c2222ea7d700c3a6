import type { Shape } from '../drawing.ts';

type Child = Node | string;

/**
 * Creates an element. Texts become texts, whatever is in them: nothing on this page is ever parsed as HTML.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.append(...children);
  return created;
}

/** Creates a button that calls a function. */
export function button(
  text: string,
  act: () => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLButtonElement {
  const created = element('button', { type: 'button', ...attributes }, text);
  created.addEventListener('click', act);
  return created;
}

/** Creates the elements of a picture. */
export function pictureElement({ name, attributes, children }: Shape): SVGElement {
  const created = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, String(value));
  created.append(...children.map((child) => (typeof child === 'string' ? child : pictureElement(child))));
  return created;
}

/** Finds an element that the page has from the start. */
export function find<E extends Element>(id: string, type: abstract new (...args: never[]) => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no #${id}`);
  return found;
}
