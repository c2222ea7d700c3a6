import { answer, type Answer } from './answer.ts';
import { editText, listSetKeys, type Edit, type Edited, type SetKey } from './edit.ts';
import { listFields, type Field } from './fields.ts';
import { findTooLong, type Question } from './question.ts';

/** What the page asks its worker. */
export type Asked =
  | { readonly ask: 'answer'; readonly question: Question }
  | { readonly ask: 'edit'; readonly text: string; readonly edit: Edit }
  | { readonly ask: 'fields' };

/** What the worker replies to each. */
export interface Replies {
  readonly answer: { readonly answer: Answer; readonly keys: readonly SetKey[] };
  readonly edit: Edited;
  readonly fields: readonly Field[];
}

/** Replies to what the page asks. Throws only for a defect. */
export function reply(asked: Asked): Replies[Asked['ask']] {
  switch (asked.ask) {
    case 'answer': {
      const { manifest, settings } = asked.question;
      const keys = findTooLong(asked.question).length > 0 ? [] : listSetKeys(manifest, settings);
      return { answer: answer(asked.question), keys };
    }
    case 'edit':
      return editText(asked.text, asked.edit);
    case 'fields':
      return listFields();
  }
}
