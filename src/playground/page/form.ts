import type { Edit, SetKey } from '../edit.ts';
import type { Field } from '../fields.ts';
import { button, element, find } from './element.ts';

/** The form for one annotation, label or setting. */
export interface Form {
  /** Shows what is set, each with a button that changes and one that removes it. */
  show(keys: readonly SetKey[]): void;
}

const mostKeys = 100;

function editOf(kind: Field['kind'], name: string, value: string | undefined, field: Field | undefined): Edit {
  if (kind === 'setting') {
    const isText = field?.allowed === 'a text';
    return { of: 'settings', path: name, value: value === undefined ? undefined : { text: value, isText } };
  }
  return { of: 'pods', list: kind === 'label' ? 'labels' : 'annotations', name, value };
}

function optionsOf(texts: readonly string[]): HTMLOptionElement[] {
  return texts.map((text) => element('option', { value: text }));
}

function helpOf(field: Field | undefined, kind: Field['kind'], name: string): (Node | string)[] {
  if (name === '') return ['Choose a name, or begin to type: the page completes it and says what is allowed.'];
  if (field === undefined) return [`The injector knows no ${kind} of this name.`];
  const row = (title: string, text: string): HTMLElement[] => [element('dt', {}, title), element('dd', {}, text)];
  const terms = element(
    'dl',
    {},
    ...row('Allowed', field.allowed),
    ...row('Default', field.defaultText.replaceAll('`', '')),
  );
  return [element('p', {}, field.doc === '' ? `Setting spec.${field.name}` : field.doc.replaceAll('`', '')), terms];
}

/** Makes the form work: it completes names and values, and calls `apply` for each change. */
export function createForm(fields: readonly Field[], apply: (edit: Edit) => void): Form {
  const kind = find('kind', HTMLSelectElement);
  const name = find('name', HTMLInputElement);
  const value = find('value', HTMLInputElement);
  const keysHolder = find('keys', HTMLUListElement);
  const chosenKind = (): Field['kind'] => kind.value as Field['kind'];
  const fieldOf = (wanted: Field['kind'], of: string): Field | undefined =>
    fields.find((field) => field.kind === wanted && field.name === of);

  const showNames = (): void => {
    const named = fields.filter((field) => field.kind === chosenKind());
    find('names', HTMLDataListElement).replaceChildren(...optionsOf(named.map((field) => field.name)));
  };
  const showHelp = (): void => {
    const field = fieldOf(chosenKind(), name.value.trim());
    find('help', HTMLElement).replaceChildren(...helpOf(field, chosenKind(), name.value.trim()));
    find('values', HTMLDataListElement).replaceChildren(...optionsOf(field?.values ?? []));
  };
  const fill = (key: SetKey): void => {
    kind.value = key.kind;
    name.value = key.name;
    value.value = key.value;
    showNames();
    showHelp();
    value.focus();
    value.select();
  };
  const keyElement = (key: SetKey): HTMLElement => {
    const title = `${key.kind} ${key.name}`;
    const remove = (): void => {
      apply(editOf(key.kind, key.name, undefined, undefined));
      name.focus();
    };
    return element(
      'li',
      {},
      element('code', {}, `${key.kind === 'annotation' ? '' : `${key.kind} `}${key.name}: ${key.value}`),
      button('Change', () => fill(key), { class: 'plain', 'aria-label': `Change ${title}` }),
      button('Remove', remove, { class: 'plain', 'aria-label': `Remove ${title}` }),
    );
  };

  kind.addEventListener('change', () => {
    showNames();
    showHelp();
  });
  name.addEventListener('input', showHelp);
  find('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = name.value.trim();
    apply(editOf(chosenKind(), wanted, value.value, fieldOf(chosenKind(), wanted)));
  });
  showNames();
  showHelp();
  return {
    show(keys) {
      keysHolder.replaceChildren(...keys.slice(0, mostKeys).map(keyElement));
    },
  };
}
