// The ladder of the chosen instrument: one row a tick, click to place, drag an own order to
// amend it, click it to cancel. All of it also by keyboard.
import './ladder.css';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { decimal, format, group, ofSteps } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { commandOf, steps } from '../keyboard/bindings';
import { Age } from '../market/Age';
import { selectAwaited } from '../market/selectors';
import { type Instrument, priceDigits } from '../market/slice';
import { request } from '../orders/request';
import { type Order, orders } from '../orders/slice';
import { useReasonText } from '../orders/reasons';
import { selectChecks, selectDraft, selectLast } from '../ticket/draft';
import { selectOff, selectReference } from '../ticket/selectors';
import { ticket } from '../ticket/slice';
import { cellsOf, isOwn, pointerAction, middleOf, type Move, recentred, type ClickCell, selectBusy, selectOwn, ticksOf, windowAround } from './model';
import { Row } from './Row';

export function Ladder() {
  const t = useT();
  const symbol = useAppSelector((s) => s.selection.symbol);
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  const middle = useAppSelector((s) => (instrument ? middleOf(s.market.books[symbol], s.market.quotes[symbol], selectReference(s, symbol), decimal(instrument.tickSize)) : undefined));
  if (!instrument || middle === undefined) return <p className="ladder-empty">{t('ladder.empty')}</p>;
  // The key makes a new ladder for each instrument, with its own position.
  return <LadderRows key={symbol} instrument={instrument} middle={middle} />;
}

/** Ignores repeats of a held key. */
function once(event: KeyboardEvent, act: () => void): void {
  if (!event.repeat) act();
}

const rowHeight = 22;

function LadderRows({ instrument, middle }: { instrument: Instrument; middle: number }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const { symbol } = instrument;
  const { order, quantity } = useAppSelector(selectDraft);
  const book = useAppSelector((s) => s.market.books[symbol]);
  const last = useAppSelector((s) => s.market.quotes[symbol]?.last ?? '');
  const direction = useAppSelector((s) => s.market.quotes[symbol]?.direction ?? 0);
  const own = useAppSelector((s) => selectOwn(s, symbol, order.account));
  const busy = useAppSelector(selectBusy);
  const awaited = useAppSelector((s) => selectAwaited(s, symbol));
  const off = useAppSelector((s) => selectOff(s, symbol));
  const grid = useRef<HTMLDivElement>(null);
  const [rows, setRows] = useState(20);
  const [follow, setFollow] = useState(true);
  const [centre, setCentre] = useState(middle);
  const [cursor, setCursor] = useState(middle);
  const [move, showMove] = useState<Move>();
  // The move in progress, readable by handlers before the next render.
  const moving = useRef<Move | undefined>(undefined);
  const setMove = (next: Move | undefined): void => {
    moving.current = next;
    showMove(next);
  };
  // A click counts only if it begins and ends on the same cell, because prices may have moved.
  const pressed = useRef<ClickCell | undefined>(undefined);

  useEffect(() => {
    const element = grid.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setRows(Math.max(5, Math.floor(element.clientHeight / rowHeight))));
    observer.observe(element);
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      setFollow(false);
      setCentre((at) => Math.max(1, at + (event.deltaY < 0 ? 1 : -1) * (event.shiftKey ? 10 : 3)));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener('wheel', wheel);
    };
  }, []);

  // Do not recentre while an order is being moved.
  const wanted = follow && !move ? recentred(centre, middle, rows) : centre;
  if (wanted !== centre) setCentre(wanted);

  const tick = decimal(instrument.tickSize);
  const digits = priceDigits(instrument);
  const priceOf = (ticks: number): string => format(ofSteps(ticks, tick), digits);
  const shown = windowAround(wanted, rows);
  const { bids, offers } = cellsOf(book, shown);
  const lastTicks = ticksOf(last, tick);

  const place = (side: Side, ticks: number): void => {
    if (!off && ticks > 0) dispatch(ticket.placeAt({ symbol, side, price: priceOf(ticks) }));
  };
  const ownAt = (side: Side, ticks: number): Order[] => {
    const at = own.get(ticks);
    return (side === Side.BUY ? at?.buys : at?.sells) ?? [];
  };
  // Cancels reduce risk, so they are possible while the market is not open, but not while the screen is not live.
  const cancel = (list: Order[]): void => list.forEach((one) => dispatch(request({ kind: 'cancel', orderId: one.orderId, account: one.account, symbol })));
  const amend = ({ side, from, to }: Move): void => {
    setMove(undefined);
    if (off || from === to || to <= 0) return;
    for (const one of ownAt(side, from)) dispatch(request({ kind: 'replace', orderId: one.orderId, account: one.account, symbol, price: priceOf(to), quantity: one.quantity }));
  };
  const show = (ticks: number): void => {
    setCursor(ticks);
    if (ticks > shown.top || ticks <= shown.top - rows) {
      setFollow(false);
      setCentre(ticks);
    }
  };

  const pointerDown = (event: PointerEvent): void => {
    const at = event.button === 0 ? cellAt(event.target) : undefined;
    pressed.current = at;
    if (!at || !isOwn(at)) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setMove({ side: at.act === 'ownBuy' ? Side.BUY : Side.SELL, from: at.ticks, to: at.ticks });
  };
  const pointerMove = (event: PointerEvent): void => {
    const held = moving.current;
    const at = held && cellAt(document.elementFromPoint(event.clientX, event.clientY));
    if (at && at.ticks !== held.to) setMove({ ...held, to: at.ticks });
  };
  const pointerUp = (event: PointerEvent): void => {
    const at = cellAt(document.elementFromPoint(event.clientX, event.clientY));
    const held = moving.current;
    const action = pointerAction(pressed.current, at, held);
    pressed.current = undefined;
    if (held && action === 'cancel') cancel(ownAt(held.side, held.from));
    if (held && at && action === 'amend') amend({ ...held, to: at.ticks });
    else setMove(undefined);
    if (!at || action !== 'click') return;
    setCursor(at.ticks);
    if (at.act === 'buy') place(Side.BUY, at.ticks);
    if (at.act === 'sell') place(Side.SELL, at.ticks);
  };
  const keyDown = (event: KeyboardEvent): void => {
    const command = commandOf(event, 'ladder');
    const step = command && steps[command];
    const held = moving.current;
    const side = ownAt(Side.BUY, cursor).length > 0 ? Side.BUY : Side.SELL;
    if (step !== undefined) {
      const to = Math.max(1, (held?.to ?? cursor) + step);
      if (held) setMove({ ...held, to });
      show(to);
    } else if (held) {
      // While an order is being moved, only dropping it or putting it back is possible.
      if (command === 'drop') amend(held);
      else if (command === 'keep') setMove(undefined);
      else return;
    } else if (command === 'placeBuy') once(event, () => place(Side.BUY, cursor));
    else if (command === 'placeSell') once(event, () => place(Side.SELL, cursor));
    else if (command === 'cancelHere') once(event, () => cancel([...ownAt(Side.BUY, cursor), ...ownAt(Side.SELL, cursor)]));
    else if (command === 'pick' && ownAt(side, cursor).length > 0) setMove({ side, from: cursor, to: cursor });
    else if (command === 'centre') {
      setFollow(true);
      setCentre(middle);
      setCursor(middle);
    } else return;
    event.preventDefault();
    // The desk has bindings for the same keys.
    event.stopPropagation();
  };
  const cancelAll = (side?: Side): void => {
    dispatch(orders.cancelAll({ account: order.account, symbol, ...(side === undefined ? {} : { side }) }));
  };
  const heldBack = off === 'notLive' ? { disabled: true, title: t('blotter.notLive') } : {};

  return (
    <div className="ladder" data-off={off} data-awaited={awaited || undefined}>
      <div className="tools">
        <label>
          <input
            type="checkbox"
            checked={follow}
            onChange={(event) => {
              setFollow(event.target.checked);
              if (event.target.checked) setCentre(middle);
            }}
          />
          {t('ladder.follow')}
        </label>
        <span className="hint">{off ? t(`ticket.off.${off}`, { why: instrument.statusReason }) : t('ladder.quantity', { quantity: group(quantity) })}</span>
        <Age awaited={awaited} />
      </div>
      <div
        ref={grid}
        className="rungs"
        role="grid"
        aria-label={t('ladder.name', { symbol })}
        {...(cursor <= shown.top && cursor > shown.top - rows ? { 'aria-activedescendant': `rung-${cursor}` } : {})}
        tabIndex={0}
        onKeyDown={keyDown}
        onPointerDown={pointerDown}
        onPointerMove={pointerMove}
        onPointerUp={pointerUp}
        onPointerCancel={() => {
          pressed.current = undefined;
          setMove(undefined);
        }}
      >
        {Array.from({ length: rows }, (_, n) => {
          const ticks = shown.top - n;
          const mine = own.get(ticks);
          const bid = bids.get(ticks);
          const offer = offers.get(ticks);
          return (
            <Row
              key={ticks}
              id={`rung-${ticks}`}
              ticks={ticks}
              price={ticks > 0 ? priceOf(ticks) : ''}
              bid={bid?.quantity ?? ''}
              bidShare={bid?.share ?? 0}
              offer={offer?.quantity ?? ''}
              offerShare={offer?.share ?? 0}
              buying={mine?.buying ?? ''}
              selling={mine?.selling ?? ''}
              busy={mine !== undefined && [...mine.buys, ...mine.sells].some((one) => busy.has(one.orderId))}
              last={ticks === lastTicks ? direction : undefined}
              cursor={ticks === cursor}
              target={move !== undefined && move.to === ticks && move.to !== move.from}
            />
          );
        })}
      </div>
      <p className="moving" role="status">
        {!move && <Trouble />}
        {move && t('ladder.moving', { quantity: group(own.get(move.from)?.[move.side === Side.BUY ? 'buying' : 'selling'] || '–'), from: priceOf(move.from), to: priceOf(move.to) })}
      </p>
      <div className="tools">
        <button type="button" {...heldBack} onClick={() => cancelAll(Side.BUY)}>
          {t('ladder.cancelBuys')}
        </button>
        <button type="button" {...heldBack} onClick={() => cancelAll()}>
          {t('ladder.cancelAll')}
        </button>
        <button type="button" {...heldBack} onClick={() => cancelAll(Side.SELL)}>
          {t('ladder.cancelSells')}
        </button>
      </div>
    </div>
  );
}

/** Shows what is wrong with the order of a click, for users who do not see the ticket. */
function Trouble() {
  const t = useT();
  const textOf = useReasonText();
  const attempted = useAppSelector((s) => s.ticket.attempted);
  const check = useAppSelector(selectChecks)[0];
  const last = useAppSelector(selectLast);
  const asSent = useAppSelector((s) => s.ticket.asSent);
  if (attempted && check) return t(`ticket.check.${check.reason}`, check.values);
  if (!asSent || !last) return null;
  if (last.state === 'refused') return t('ticket.outcome.refused', { why: textOf(last.problem) });
  return last.state === 'unknown' ? t('ticket.outcome.unknown') : null;
}

/** The row of an element, and the action of a click on it. */
function cellAt(target: EventTarget | null): ClickCell | undefined {
  if (!(target instanceof Element)) return undefined;
  const row = target.closest<HTMLElement>('[data-ticks]');
  if (!row) return undefined;
  return { ticks: Number(row.dataset['ticks']), act: target.closest<HTMLElement>('[data-act]')?.dataset['act'] ?? '' };
}
