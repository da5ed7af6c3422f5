// The text of a refusal or an end for the user: the venue's own text if the screen is in the
// venue's language, otherwise its translation.
import { useCallback } from 'react';
import { useAppSelector } from '../../app/hooks';
import { isKey, type Translate, useT } from '../../i18n';
import type { Language } from '../settings/slice';
import { bookAwaited, notEntered, notLive } from './slice';

export interface VenueReason {
  /** The venue's stable name of the reason. */
  reason: string;
  /** The venue's sentence; may be empty. */
  text: string;
}

export function reasonText(t: Translate, language: Language, { reason, text }: VenueReason): string {
  if (reason === notEntered) return t('ticket.outcome.notEntered');
  if (reason === notLive) return t('blotter.notLive');
  if (reason === bookAwaited) return t('blotter.bookAwaited');
  const key = `reason.${reason}`;
  if (language === 'en' && text !== '') return text;
  if (isKey(key)) return t(key);
  return text === '' ? t('ticket.outcome.rejected') : text;
}

/** reasonText in the screen's language. */
export function useReasonText(): (reason: VenueReason) => string {
  const t = useT();
  const language = useAppSelector((s) => s.settings.language);
  return useCallback((reason) => reasonText(t, language, reason), [t, language]);
}
