// Whether the screen is current, for the other features.
import type { RootState } from '../../app/store';

export type Freshness = 'fresh' | 'stale' | 'resyncing';

/** Whether the screen shows the venue's present state. Trading is only possible while it is fresh. */
export function selectFreshness({ feed }: RootState): Freshness {
  if (feed.phase === 'catchingUp') return 'resyncing';
  return feed.phase === 'live' && !feed.silent ? 'fresh' : 'stale';
}

export const selectTradable = (state: RootState): boolean => selectFreshness(state) === 'fresh';
