// Words in the user's language.
import { createContext, useContext } from 'react';
import type { Language } from '../features/settings/slice';
import { en, type Key } from './en';
import { ja } from './ja';

export type { Key };
export type Values = Record<string, string | number>;
/** Looks a text up and fills its {names} in. */
export type Translate = (key: Key, values?: Values) => string;

const catalogues: Record<Language, Record<Key, string>> = { en, ja };

export function translator(language: Language): Translate {
  const catalogue = catalogues[language];
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

export const TranslateContext = createContext<Translate>(translator('en'));

/** The words of the screen's language. */
export function useT(): Translate {
  return useContext(TranslateContext);
}
