// The order ticket of the chosen instrument. Each field shows what the venue would refuse
// before anything is sent.
import './ticket.css';
import type { FormEvent } from 'react';
import { useStore } from 'react-redux';
import { OrderType, Side, TimeInForce } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import type { RootState } from '../../app/store';
import { compare, decimal, group, parseDecimal } from '../../../shared/decimal';
import { type Key, useT } from '../../i18n';
import { StepField, typedNumber } from '../../ui/StepField';
import { useReasonText } from '../orders/reasons';
import { Confirm } from './Confirm';
import { selectChecks, selectDraft, selectLast } from './draft';
import { Guard } from './Guard';
import { LastOrder } from './LastOrder';
import { type Field, fieldOf, rests } from './rules';
import { type Off, selectOff, selectReference } from './selectors';
import { ticket } from './slice';
import { notional, quickSizes, stepPrice, stepQuantity } from './steps';

const timesInForce: [TimeInForce, Key][] = [
  [TimeInForce.DAY, 'ticket.tif.day'],
  [TimeInForce.GTC, 'ticket.tif.gtc'],
  [TimeInForce.GTD, 'ticket.tif.gtd'],
  [TimeInForce.IOC, 'ticket.tif.ioc'],
  [TimeInForce.FOK, 'ticket.tif.fok'],
];

/** Whether a post-only order of the ticket would trade at once, by the prices that are shown. */
function selectWouldTrade(state: RootState): boolean {
  const { order } = selectDraft(state);
  const quote = state.market.quotes[order.symbol];
  const across = order.side === Side.BUY ? quote?.offer?.price : quote?.bid?.price;
  const price = parseDecimal(order.price);
  if (!order.postOnly || !price || !across) return false;
  return order.side === Side.BUY ? compare(price, decimal(across)) >= 0 : compare(price, decimal(across)) <= 0;
}

export function Ticket() {
  const t = useT();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const { getState } = useStore<RootState>();
  const form = useAppSelector((s) => s.ticket);
  const draft = useAppSelector(selectDraft);
  const { order, symbol } = draft;
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  const reference = useAppSelector((s) => selectReference(s, symbol));
  const accounts = useAppSelector((s) => s.session.user?.accounts);
  const off = useAppSelector((s) => selectOff(s, symbol));
  const checks = useAppSelector(selectChecks);
  const wouldTrade = useAppSelector(selectWouldTrade);
  const last = useAppSelector(selectLast);
  const market = order.type === OrderType.MARKET;

  const refusal = form.asSent && last?.state === 'refused' ? last.problem : undefined;
  const problemAt = (field: Field, empty = false): string | undefined => {
    const check = empty && !form.attempted ? undefined : checks.find((one) => one.field === field);
    if (check) return t(`ticket.check.${check.reason}`, check.values);
    return refusal && fieldOf(refusal.reason, refusal.field) === field ? textOf(refusal) : undefined;
  };
  const problemText = (field: Field) => {
    const text = problemAt(field);
    return text && <p className="problem">{text}</p>;
  };
  const offText = (why: Off): string => t(`ticket.off.${why}`, { why: instrument?.statusReason ?? '' });
  const stepPriceBy = (steps: number): void => {
    const state = getState();
    const quote = state.market.quotes[symbol];
    const best = (order.side === Side.BUY ? quote?.bid?.price : quote?.offer?.price) || selectReference(state, symbol);
    if (instrument) dispatch(ticket.typedPrice({ symbol, text: stepPrice(typedNumber(draft.price), instrument, steps, best) }));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    dispatch(ticket.send());
  };
  const names = (name: string) => ({ less: t('ticket.less', { name }), more: t('ticket.more', { name }) });
  const value = notional(market ? reference : order.price, order.quantity);
  const sideName = order.side === Side.BUY ? 'buy' : 'sell';
  const why = off ? offText(off) : problemAt('');
  return (
    <div className="ticket">
      <form className="ticket-form" onSubmit={submit} aria-label={t('panel.ticket')}>
        <p className="head">
          <strong>{symbol}</strong> <span className="name">{instrument?.name}</span>
        </p>
        {accounts && accounts.length > 1 && (
          <label className="choice">
            {t('ticket.account')}
            <select name="account" value={order.account} onChange={(e) => dispatch(ticket.chose({ account: e.target.value }))}>
              {accounts.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {problemText('account')}
        <fieldset className="sides" aria-label={t('ticket.side')}>
          {[Side.BUY, Side.SELL].map((side) => (
            <label key={side} className={side === Side.BUY ? 'buy' : 'sell'}>
              <input type="radio" name="side" checked={order.side === side} onChange={() => dispatch(ticket.chose({ side }))} />
              {t(side === Side.BUY ? 'side.buy' : 'side.sell')}
            </label>
          ))}
        </fieldset>
        <div className="row">
          <label className="choice">
            {t('ticket.type')}
            <select name="type" value={order.type} onChange={(e) => dispatch(ticket.choseType(Number(e.target.value)))}>
              <option value={OrderType.LIMIT}>{t('ticket.limit')}</option>
              <option value={OrderType.MARKET}>{t('ticket.market')}</option>
            </select>
          </label>
          <label className="choice">
            {t('ticket.tif')}
            <select name="tif" value={order.timeInForce} onChange={(e) => dispatch(ticket.choseTimeInForce(Number(e.target.value)))}>
              {timesInForce
                .filter(([tif]) => !market || !rests(tif))
                .map(([tif, key]) => (
                  <option key={tif} value={tif}>
                    {t(key)}
                  </option>
                ))}
            </select>
          </label>
        </div>
        {order.timeInForce === TimeInForce.GTD && (
          <label className="choice">
            {t('ticket.expire')}
            <input
              type="datetime-local"
              name="expire"
              value={form.expire}
              aria-invalid={problemAt('expire_time', form.expire === '') !== undefined}
              onChange={(e) => dispatch(ticket.chose({ expire: e.target.value }))}
            />
            {problemAt('expire_time', form.expire === '') && <span className="problem">{problemAt('expire_time', form.expire === '')}</span>}
          </label>
        )}
        <StepField
          label={t('ticket.price')}
          name="price"
          value={market ? '' : draft.price}
          disabled={market}
          problem={market ? undefined : problemAt('price', draft.price === '')}
          onChange={(text) => dispatch(ticket.typedPrice({ symbol, text }))}
          onStep={stepPriceBy}
          {...names(t('ticket.price'))}
        />
        <StepField
          label={t('ticket.quantity')}
          name="quantity"
          value={draft.quantity}
          problem={problemAt('quantity')}
          onChange={(text) => dispatch(ticket.typedQuantity({ symbol, text }))}
          onStep={(steps) => instrument && dispatch(ticket.typedQuantity({ symbol, text: stepQuantity(typedNumber(draft.quantity), instrument, steps) }))}
          {...names(t('ticket.quantity'))}
        />
        <div className="sizes" role="group" aria-label={t('ticket.sizes')}>
          {instrument &&
            quickSizes(instrument).map((size) => (
              <button key={size} type="button" onClick={() => dispatch(ticket.typedQuantity({ symbol, text: size }))}>
                {group(size)}
              </button>
            ))}
        </div>
        <label className="check">
          <input
            type="checkbox"
            name="postOnly"
            checked={order.postOnly}
            disabled={market || !rests(order.timeInForce)}
            onChange={(e) => dispatch(ticket.chose({ postOnly: e.target.checked }))}
          />
          {t('ticket.postOnly')}
        </label>
        {problemText('post_only') || (wouldTrade && <p className="why">{t('ticket.wouldTrade')}</p>)}
        <Guard problem={problemAt('guard')} />
        <div className="foot">
          <p className="notional">
            <span>{t(market ? 'ticket.notionalMarket' : 'ticket.notional')}</span>
            <output name="notional">{value === undefined ? '–' : `${group(value)} ${instrument?.currency ?? ''}`}</output>
          </p>
          <p className="why" role="status">
            {why}
          </p>
          <button type="submit" className="send" data-side={sideName} disabled={off !== undefined}>
            {t(`ticket.send.${sideName}`, { symbol, quantity: group(order.quantity || '–') })}
          </button>
          {last && <LastOrder outcome={last} />}
        </div>
      </form>
      {form.confirming && <Confirm order={form.confirming} />}
    </div>
  );
}
