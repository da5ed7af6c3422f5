// How old what a panel shows is, while it is not current.
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useSeconds } from '../feed/FeedStatus';
import { selectFreshness } from '../feed/selectors';
import './market.css';

export function Age() {
  const t = useT();
  const stale = useAppSelector((s) => selectFreshness(s) !== 'fresh');
  const last = useAppSelector((s) => (selectFreshness(s) === 'fresh' ? 0 : s.feed.lastArrival));
  const now = useSeconds(stale);
  if (!stale || last === 0) return null;
  return <span className="age">◷ {t('market.age', { age: Math.max(0, Math.round((now - last) / 1000)) })}</span>;
}
