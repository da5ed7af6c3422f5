// What the user can do when the stream does not come back by itself, shown over the desk with
// its old prices.
import { useId } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useReasonText } from '../orders/reasons';
import './feedHelp.css';
import { feed } from './slice';

export function FeedHelp() {
  const t = useT();
  const dispatch = useAppDispatch();
  const reason = useReasonText();
  const title = useId();
  const phase = useAppSelector((s) => s.feed.phase);
  const problem = useAppSelector((s) => s.feed.problem);
  if (phase !== 'superseded' && phase !== 'refused' && phase !== 'waiting') return null;
  return (
    <section className="feed-help" role="alert" aria-labelledby={title} data-phase={phase}>
      <h2 id={title}>{t(`feed.${phase}.title`)}</h2>
      <p>{t(`feed.${phase}.help`)}</p>
      {phase === 'refused' && problem && <p className="problem">{reason(problem)}</p>}
      {phase !== 'waiting' && (
        <button type="button" className="primary" onClick={() => dispatch(feed.attachWanted())}>
          {t(phase === 'superseded' ? 'feed.takeOver' : 'feed.tryAgain')}
        </button>
      )}
    </section>
  );
}
