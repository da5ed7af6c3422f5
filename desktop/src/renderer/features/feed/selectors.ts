// What the rest of the screen may know about being current.
import type { RootState } from '../../app/store';

export type Freshness = 'fresh' | 'stale' | 'resyncing';

/** Whether what is shown is what the venue has. Trading is off unless it is. */
export function selectFreshness({ feed }: RootState): Freshness {
  if (feed.phase === 'catchingUp') return 'resyncing';
  return feed.phase === 'live' && !feed.silent ? 'fresh' : 'stale';
}

export const selectTradable = (state: RootState): boolean => selectFreshness(state) === 'fresh';
