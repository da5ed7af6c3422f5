// Texts in the user's language. Each feature has a file under words/ with all languages side by
// side; {name} in a text is replaced by a value.
import { createContext, useContext } from 'react';
import type { Language } from '../features/settings/slice';
import * as admin from './words/admin';
import * as adminLists from './words/adminLists';
import * as app from './words/app';
import * as blotter from './words/blotter';
import * as cancelAll from './words/cancelAll';
import * as chart from './words/chart';
import * as column from './words/column';
import * as ending from './words/ending';
import * as feed from './words/feed';
import * as keys from './words/keys';
import * as ladder from './words/ladder';
import * as layout from './words/layout';
import * as notices from './words/notices';
import * as market from './words/market';
import * as panel from './words/panel';
import * as presence from './words/presence';
import * as reason from './words/reason';
import * as refusal from './words/refusal';
import * as session from './words/session';
import * as settings from './words/settings';
import * as side from './words/side';
import * as ticket from './words/ticket';

/** Every text by its key, in every language. */
export const catalogues = {
  en: {
    ...admin.en,
    ...adminLists.en,
    ...app.en,
    ...blotter.en,
    ...cancelAll.en,
    ...chart.en,
    ...column.en,
    ...ending.en,
    ...feed.en,
    ...keys.en, ...ladder.en,
    ...layout.en,
    ...notices.en,
    ...market.en,
    ...panel.en,
    ...presence.en,
    ...reason.en,
    ...refusal.en,
    ...session.en,
    ...settings.en,
    ...side.en,
    ...ticket.en,
  },
  ja: {
    ...admin.ja,
    ...adminLists.ja,
    ...app.ja,
    ...blotter.ja,
    ...cancelAll.ja,
    ...chart.ja,
    ...column.ja,
    ...ending.ja,
    ...feed.ja,
    ...keys.ja, ...ladder.ja,
    ...layout.ja,
    ...notices.ja,
    ...market.ja,
    ...panel.ja,
    ...presence.ja,
    ...reason.ja,
    ...refusal.ja,
    ...session.ja,
    ...settings.ja,
    ...side.ja,
    ...ticket.ja,
  },
} satisfies Record<Language, Record<string, string>>;

export type Key = keyof (typeof catalogues)['en'];
export type Values = Record<string, string | number>;

export function isKey(text: string): text is Key {
  return Object.hasOwn(catalogues.en, text);
}

/** Looks up a text and replaces its {names}. */
export type Translate = (key: Key, values?: Values) => string;

export function translator(language: Language): Translate {
  const catalogue: Record<Key, string> = catalogues[language];
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

export const TranslateContext = createContext<Translate>(translator('en'));

/** The texts of the screen's language. */
export function useT(): Translate {
  return useContext(TranslateContext);
}
