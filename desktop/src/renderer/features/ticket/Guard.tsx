// The stale guard: how often the best prices may move between the user's decision and the
// order's arrival at the venue.
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { ticket } from './slice';

export function Guard({ problem }: { problem: string | undefined }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const { guarded, moves } = useAppSelector((s) => s.ticket);
  const version = useAppSelector((s) => (s.ticket.guarded ? s.market.books[s.selection.symbol]?.version : undefined));
  return (
    <div className="guard">
      <label className="check">
        <input type="checkbox" name="guarded" checked={guarded} onChange={(e) => dispatch(ticket.chose({ guarded: e.target.checked }))} />
        {t('ticket.guard')}
      </label>
      {guarded && (
        <span className="check">
          <input type="text" name="moves" inputMode="numeric" aria-label={t('ticket.moves')} value={moves} onChange={(e) => dispatch(ticket.chose({ moves: e.target.value }))} />
          <span className="live">{t('ticket.guardHint', { version: version ?? '–' })}</span>
        </span>
      )}
      {problem && <p className="problem">{problem}</p>}
    </div>
  );
}
