// Texts for the venue's enums, times and durations.
import { useMemo } from 'react';
import { AssetClass, Role, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { group } from '../../../shared/decimal';
import type { Key, Translate } from '../../i18n';
import { useFormats } from '../../i18n/format';
import { en as endings } from '../../i18n/words/ending';
import type { User } from './queries';
import type { Request } from './slice';

export const statusKeys = {
  [TradingStatus.UNSPECIFIED]: 'unspecified',
  [TradingStatus.PRE_OPEN]: 'preOpen',
  [TradingStatus.OPEN]: 'open',
  [TradingStatus.HALTED]: 'halted',
  [TradingStatus.CLOSED]: 'closed',
} as const;

export function statusWord(t: Translate, status: TradingStatus): string {
  return t(`admin.status.${statusKeys[status]}`);
}

const classKeys = { [AssetClass.UNSPECIFIED]: 'unspecified', [AssetClass.FX]: 'fx', [AssetClass.FUTURE]: 'future', [AssetClass.EQUITY]: 'equity' } as const;

export function classWord(t: Translate, assetClass: AssetClass): string {
  return t(`admin.class.${classKeys[assetClass]}`);
}

const roleKeys = { [Role.UNSPECIFIED]: 'unspecified', [Role.TRADER]: 'trader', [Role.VIEWER]: 'viewer', [Role.RISK]: 'risk', [Role.ADMIN]: 'admin' } as const;

export function roleWord(t: Translate, role: Role): string {
  return t(`admin.role.${roleKeys[role]}`);
}

export function rolesWords(t: Translate, roles: readonly Role[]): string {
  return roles.map((role) => roleWord(t, role)).join(', ');
}

/** Why a stream ended; an unknown reason is shown as it is. */
export function endingWords(t: Translate, reason: string, cause: string): string {
  const textOf = (word: string): string => (`ending.${word}` in endings ? t(`ending.${word}` as Key) : word);
  return cause === '' ? textOf(reason) : `${textOf(reason)}: ${textOf(cause)}`;
}

/** Times for a cell: in the user's zone, and in UTC for the tooltip. */
export interface Moments {
  timeWords(ms: number | undefined): string;
  clockWords(ms: number | undefined): string;
  utcWords(ms: number | undefined): string | undefined;
}

export function useMoments(): Moments {
  const formats = useFormats();
  return useMemo(
    () => ({
      timeWords: (ms) => (ms ? formats.dateTime(ms) : '–'),
      clockWords: (ms) => (ms ? formats.time(ms) : '–'),
      utcWords: (ms) => (ms ? formats.venue(ms) : undefined),
    }),
    [formats],
  );
}

/** A duration as 12 ms, 3.4 s, 5:06 or 7:08:09. */
export function spanWords(t: Translate, ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms < 1_000) return t('admin.ms', { n: ms });
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return t('admin.s', { n: (Math.floor(ms / 100) / 10).toFixed(1) });
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

export function countWords(n: number): string {
  return group(String(n));
}

export function presenceWord(t: Translate, { online }: User): string {
  return t(online ? 'admin.user.online' : 'admin.user.offline');
}

/** Describes a request that has an outcome. */
export function endedWords(t: Translate, { change, count, state }: Request): string {
  const what = (): string => {
    switch (change.kind) {
      case 'upsertInstrument':
        return t('admin.did.upsertInstrument', { symbol: change.instrument.symbol });
      case 'setStatus':
        return t('admin.did.setStatus', { symbol: change.symbol, status: statusWord(t, change.status) });
      case 'setLimits':
        return t('admin.did.setLimits', { account: change.limits.account });
      case 'massCancel':
        return t('admin.did.massCancel', { user: change.user, count: count ?? '?' });
      case 'bust':
        return t('admin.did.bust', { trade: change.tradeId });
      case 'announce':
        return t('admin.did.announce');
      default:
        return t(`admin.did.${change.kind}`, { user: change.user });
    }
  };
  return t(state === 'unknown' ? 'admin.ended.unknown' : 'admin.ended.done', { what: what() });
}
