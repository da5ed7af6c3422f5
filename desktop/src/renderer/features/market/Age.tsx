// How old what a panel shows is, while it is not current. A book may be older than the events
// that have come: how old, nobody knows.
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useSeconds } from '../feed/FeedStatus';
import { selectFreshness } from '../feed/selectors';
import './market.css';

/** awaited: the panel shows a book that has not come yet. */
export function Age({ awaited = false }: { awaited?: boolean }) {
  const t = useT();
  const stale = useAppSelector((s) => selectFreshness(s) !== 'fresh');
  const last = useAppSelector((s) => (selectFreshness(s) === 'fresh' ? 0 : s.feed.lastArrival));
  const now = useSeconds(stale);
  if (!stale && awaited) return <span className="age">◷ {t('market.awaited')}</span>;
  if (!stale || last === 0) return null;
  return <span className="age">◷ {t('market.age', { age: Math.max(0, Math.round((now - last) / 1000)) })}</span>;
}
