// The age of a panel's data while it is not current. A book may be older than the events that
// have arrived; then its age is unknown.
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useSeconds } from '../feed/FeedStatus';
import { selectFreshness } from '../feed/selectors';
import './market.css';

/** awaited: the venue has not sent the panel's book again yet. */
export function Age({ awaited = false }: { awaited?: boolean }) {
  const t = useT();
  const stale = useAppSelector((s) => selectFreshness(s) !== 'fresh');
  const last = useAppSelector((s) => (selectFreshness(s) === 'fresh' ? 0 : s.feed.lastArrival));
  const now = useSeconds(stale);
  if (!stale && awaited) return <span className="age">◷ {t('market.awaited')}</span>;
  if (!stale || last === 0) return null;
  return <span className="age">◷ {t('market.age', { age: Math.max(0, Math.round((now - last) / 1000)) })}</span>;
}
