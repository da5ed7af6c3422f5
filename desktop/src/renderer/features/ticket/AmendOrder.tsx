// Changes price and quantity of a working order, by the rules that the venue has for it.
import './ticket.css';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { OrderType } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { compare, decimal, format, group, parseDecimal } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { StepField, typedNumber } from '../../ui/StepField';
import { selectTradable } from '../feed/selectors';
import { selectAwaited } from '../market/selectors';
import { priceDigits } from '../market/slice';
import { request } from '../orders/request';
import type { Order } from '../orders/slice';
import { type Check, checkAmend } from './rules';
import { selectRules } from './selectors';
import { stepPrice, stepQuantity } from './steps';

export interface AmendOrderProps {
  order: Order;
  onClose: () => void;
}

export function AmendOrder({ order, onClose }: AmendOrderProps) {
  const t = useT();
  const dispatch = useAppDispatch();
  // Why the order cannot be amended, whatever is typed.
  const off = useAppSelector((s) => (!selectTradable(s) ? 'notLive' : selectAwaited(s, order.symbol) ? 'bookAwaited' : undefined));
  // The order may fill while the dialog is open.
  const now = useAppSelector((s) => s.orders.working[order.orderId]);
  const rules = useAppSelector((s) => selectRules(s, order.symbol, order.account));
  const digits = priceDigits(rules?.instrument);
  const [price, setPrice] = useState(() => format(decimal(order.price), digits));
  const [quantity, setQuantity] = useState(order.quantity);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.select(), []);
  if (!rules) return null;

  const limit = order.type === OrderType.LIMIT;
  const typed = { price: typedNumber(price), quantity: typedNumber(quantity) };
  const checks = now ? checkAmend(now, typed.price, typed.quantity, rules) : [];
  const same = (a: string, b: string): boolean => {
    const d = parseDecimal(a);
    return d !== undefined && compare(d, decimal(b)) === 0;
  };
  const changed = now !== undefined && !(same(typed.price, now.price) && same(typed.quantity, now.quantity));
  const textOf = (check: Check | undefined): string | undefined => check && t(`ticket.check.${check.reason}`, check.values);
  const problemAt = (field: Check['field']): string | undefined => (changed ? textOf(checks.find((check) => check.field === field)) : undefined);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!now || off || !changed || checks.length > 0) return;
    dispatch(request({ kind: 'replace', orderId: order.orderId, account: order.account, symbol: order.symbol, price: typed.price, quantity: typed.quantity }));
    onClose();
  };
  const stepBy = (name: string) => ({ less: t('ticket.less', { name }), more: t('ticket.more', { name }) });
  const why = !now ? t('ticket.amend.gone') : off ? t(`ticket.off.${off}`) : changed ? problemAt('') : t('ticket.amend.same');
  return (
    <Dialog title={t('ticket.amend', { id: order.orderId })} onClose={onClose}>
      <form className="ticket-form" onSubmit={submit}>
        <p>
          {order.symbol} · {t(order.side === 1 ? 'side.buy' : 'side.sell')}
        </p>
        <StepField
          ref={first}
          label={t('ticket.price')}
          name="price"
          value={price}
          disabled={!limit}
          problem={problemAt('price')}
          onChange={setPrice}
          onStep={(steps) => setPrice((text) => stepPrice(typedNumber(text), rules.instrument, steps, order.price))}
          {...stepBy(t('ticket.price'))}
        />
        <StepField
          label={t('ticket.quantity')}
          name="quantity"
          value={quantity}
          hint={t('ticket.amend.of', { filled: group(now?.filledQuantity ?? order.filledQuantity) })}
          problem={problemAt('quantity')}
          onChange={setQuantity}
          onStep={(steps) => setQuantity((text) => stepQuantity(typedNumber(text), rules.instrument, steps))}
          {...stepBy(t('ticket.quantity'))}
        />
        <p className="why" role="status">
          {why}
        </p>
        <div className="buttons">
          <button type="button" onClick={onClose}>
            {t('ticket.back')}
          </button>
          <button type="submit" className="primary" disabled={!now || off !== undefined || !changed || checks.length > 0}>
            {t('ticket.amend.send')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
