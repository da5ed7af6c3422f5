// Times in the format of the user's language and in the user's zone, and in UTC, the venue's
// zone, for tooltips.
import { useMemo } from 'react';
import { useAppSelector } from '../app/hooks';
import type { Language } from '../features/settings/slice';

export interface Formats {
  /** Time of day to the second. */
  time(ms: number): string;
  /** Time of day to the millisecond. */
  precise(ms: number): string;
  /** Time of day, with the date where that is not today. */
  recent(ms: number): string;
  /** Date and time of day. */
  dateTime(ms: number): string;
  /** The same time in UTC, as the venue writes it. */
  venue(ms: number): string;
  /** A whole number grouped by thousands. Not for money, which is exact text. */
  count(n: number): string;
}

/** The locale for a language's formats. */
export const locales: Record<Language, string> = { en: 'en-GB', ja: 'ja-JP' };

/** Formats of a language. zone is the machine's when absent. */
export function formatsOf(language: Language, zone?: string): Formats {
  const locale = locales[language];
  const timeZone = zone === undefined ? {} : { timeZone: zone };
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', ...timeZone } as const;
  const seconds = new Intl.DateTimeFormat(locale, time);
  const millis = new Intl.DateTimeFormat(locale, { ...time, fractionalSecondDigits: 3 });
  const date = new Intl.DateTimeFormat(locale, { year: 'numeric', month: '2-digit', day: '2-digit', ...time });
  const day = new Intl.DateTimeFormat(locale, { month: '2-digit', day: '2-digit', ...timeZone });
  const whole = new Intl.NumberFormat(locale);
  return {
    time: (ms) => seconds.format(ms),
    precise: (ms) => millis.format(ms),
    recent: (ms) => (day.format(ms) === day.format(Date.now()) ? seconds.format(ms) : `${day.format(ms)} ${seconds.format(ms)}`),
    dateTime: (ms) => date.format(ms),
    venue: (ms) => `${new Date(ms).toISOString().replace('T', ' ').slice(0, -1)} UTC`,
    count: (n) => whole.format(n),
  };
}

/** Formats of the screen's language. */
export function useFormats(): Formats {
  const language = useAppSelector((s) => s.settings.language);
  return useMemo(() => formatsOf(language), [language]);
}
