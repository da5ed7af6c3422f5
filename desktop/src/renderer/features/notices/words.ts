// The text of a notice, for the screen and for the operating system.
import type { Translate } from '../../i18n';
import { reasonText } from '../orders/reasons';
import type { Language } from '../settings/slice';
import type { Notice } from './notice';

export interface Words {
  title: string;
  /** What happened. */
  text: string;
  /** The reason as a sentence, or empty. */
  why: string;
}

export function wordsOf(t: Translate, language: Language, { group, text, values, words, why }: Notice): Words {
  const filled = Object.fromEntries(Object.entries(words ?? {}).map(([name, key]) => [name, t(key)]));
  return {
    title: t(`notice.group.${group}`),
    text: t(text, { ...values, ...filled }).trim(),
    why: why && (why.reason !== '' || why.text !== '') ? reasonText(t, language, why) : '',
  };
}
