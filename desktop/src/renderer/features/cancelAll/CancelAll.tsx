// Cancels many orders at once: all, those of one instrument, or those of one side. Asks for
// confirmation once, and shows how many were cancelled by the reports of the stream.
import './cancelAll.css';
import { type FormEvent, useMemo, useState } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { selectTradable } from '../feed/selectors';
import { useReasonText } from '../orders/reasons';
import { request } from '../orders/request';
import type { Order } from '../orders/slice';
import { selectOwnAccount } from '../ticket/selectors';
import { accountsConcerned } from './scope';

interface Scope {
  /** Empty for every instrument. */
  symbol: string;
  side: Side;
}

const everything: Scope = { symbol: '', side: Side.UNSPECIFIED };
const sides = [Side.UNSPECIFIED, Side.BUY, Side.SELL] as const;

const inScope = ({ symbol, side }: Scope) => (order: Order) => (symbol === '' || order.symbol === symbol) && (side === Side.UNSPECIFIED || order.side === side);

function useWords() {
  const t = useT();
  const sideWords = (side: Side): string => t(side === Side.BUY ? 'cancelAll.buys' : side === Side.SELL ? 'cancelAll.sells' : 'cancelAll.bothSides');
  return { t, sideWords, symbolWords: (symbol: string): string => (symbol === '' ? t('cancelAll.allSymbols') : symbol) };
}

/** The outcome of the last request, for the bar and the panel. */
export function CancelAllOutcome() {
  const { t } = useWords();
  const textOf = useReasonText();
  const round = useAppSelector((s) => s.cancelAll.rounds[0]);
  const words = (): string => {
    switch (round?.state) {
      case undefined:
        return '';
      case 'sent':
        return t('cancelAll.sent');
      case 'unknown':
        return t('cancelAll.unknown');
      case 'refused':
        return t('cancelAll.refused', { why: round.problem ? textOf(round.problem) : '' });
      case 'done':
        if (round.uncounted) return t('cancelAll.uncounted');
        return round.cancelled === 1 ? t('cancelAll.done.one') : t('cancelAll.done.other', { n: round.cancelled });
    }
  };
  return (
    <span className="cancel-outcome" role="status" data-state={round?.state}>
      {words()}
    </span>
  );
}

/** Asks for confirmation, with the number of orders. */
function ConfirmCancel({ scope: first, onClose }: { scope: Scope; onClose: () => void }) {
  const { t, sideWords, symbolWords } = useWords();
  const dispatch = useAppDispatch();
  const tradable = useAppSelector(selectTradable);
  const chosen = useAppSelector((s) => s.selection.symbol);
  const working = useAppSelector((s) => s.orders.working);
  const own = useAppSelector(selectOwnAccount);
  const [scope, setScope] = useState(first);
  const concerned = useMemo(() => Object.values(working).filter(inScope(scope)), [working, scope]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!tradable) return;
    for (const account of accountsConcerned(concerned, own)) dispatch(request({ kind: 'cancelAll', account, ...scope }));
    onClose();
  };
  const symbols = ['', ...new Set([first.symbol, chosen].filter(Boolean))];
  return (
    <Dialog title={t('cancelAll.title')} onClose={onClose}>
      <form className="cancel-all" onSubmit={submit}>
        <fieldset>
          <legend>{t('column.symbol')}</legend>
          {symbols.map((symbol) => (
            <label key={symbol}>
              <input type="radio" name="symbol" checked={scope.symbol === symbol} onChange={() => setScope({ ...scope, symbol })} />
              {symbolWords(symbol)}
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>{t('column.side')}</legend>
          {sides.map((side) => (
            <label key={side}>
              <input type="radio" name="side" checked={scope.side === side} onChange={() => setScope({ ...scope, side })} />
              {sideWords(side)}
            </label>
          ))}
        </fieldset>
        <p role="status">{tradable ? t('cancelAll.concerns', { n: concerned.length }) : t('blotter.notLive')}</p>
        <div className="buttons">
          <button type="button" onClick={onClose}>
            {t('cancelAll.back')}
          </button>
          <button type="submit" className="primary" autoFocus disabled={!tradable}>
            {t('cancelAll.confirm')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** A button for one scope, with the number of working orders in it. */
function ScopeButton({ scope, label }: { scope: Scope; label: string }) {
  const { t } = useWords();
  const tradable = useAppSelector(selectTradable);
  const count = useAppSelector((s) => {
    let n = 0;
    const passes = inScope(scope);
    for (const id in s.orders.working) if (passes(s.orders.working[id]!)) n += 1;
    return n;
  });
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className="cancel" disabled={!tradable} title={tradable ? undefined : t('blotter.notLive')} onClick={() => setAsking(true)}>
        {label} <span className="number">({count})</span>
      </button>
      {asking && <ConfirmCancel scope={scope} onClose={() => setAsking(false)} />}
    </>
  );
}

/** The button in the bar, and the outcome of the last request. */
export function CancelAllButton() {
  const { t } = useWords();
  return (
    <>
      <CancelAllOutcome />
      <ScopeButton scope={everything} label={t('cancelAll.title')} />
    </>
  );
}

/** The panel: one button for each scope. */
export function CancelAll() {
  const { t, sideWords, symbolWords } = useWords();
  const chosen = useAppSelector((s) => s.selection.symbol);
  return (
    <div className="cancel-all-panel">
      {[...new Set(['', chosen])].map((symbol) => (
        <div key={symbol} role="group" aria-label={symbolWords(symbol)}>
          <h2>{symbolWords(symbol)}</h2>
          {sides.map((side) => (
            <ScopeButton key={side} scope={{ symbol, side }} label={sideWords(side)} />
          ))}
        </div>
      ))}
      <CancelAllOutcome />
      <p className="hint">{t('cancelAll.hint')}</p>
    </div>
  );
}
