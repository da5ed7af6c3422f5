// The state of the connection, always visible: whether the screen is current, or how old it is.
import { useEffect, useState } from 'react';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useFormats } from '../../i18n/format';
import { selectFreshness } from './selectors';

/** The local clock, ms, updated while wanted is true, so that ages count up. */
export function useSeconds(wanted: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!wanted) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [wanted]);
  return now;
}

export function FeedStatus() {
  const t = useT();
  const formats = useFormats();
  const { phase, lastArrival, retryAt, lag, replayed } = useAppSelector((s) => s.feed);
  const freshness = useAppSelector(selectFreshness);
  const now = useSeconds(freshness !== 'fresh');
  const age = lastArrival === 0 ? 0 : Math.max(0, Math.round((now - lastArrival) / 1000));
  const words = (): string => {
    switch (phase) {
      case 'live':
        return freshness === 'stale' ? t('feed.stale', { age }) : t('feed.live');
      case 'retrying':
        return t('feed.retrying', { seconds: Math.max(0, Math.ceil((retryAt - now) / 1000)) });
      default:
        return t(`feed.${phase}`);
    }
  };
  return (
    <div className="feed-status" data-phase={phase} data-freshness={freshness}>
      <span className="dot" aria-hidden="true" />
      {/* The state alone is read out by itself: the delay beside it changes with every event. */}
      <span className="words" role="status">
        {words()}
      </span>
      {phase !== 'live' && lastArrival > 0 && <span className="age">{t('feed.lastSeen', { time: formats.time(lastArrival), age })}</span>}
      {freshness === 'fresh' && lag !== undefined && <span className="lag">{t('feed.lag', { ms: Math.round(lag) })}</span>}
      {freshness === 'fresh' && replayed !== undefined && (
        <span className="replayed">{replayed === 1 ? t('feed.replayed.one') : t('feed.replayed.other', { n: replayed })}</span>
      )}
    </div>
  );
}
