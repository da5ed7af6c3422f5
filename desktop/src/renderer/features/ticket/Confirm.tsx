// Asks for confirmation before an order is sent, if the user's settings require it.
import { useEffect, useRef } from 'react';
import { OrderType, Side } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch } from '../../app/hooks';
import { group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import type { NewOrder } from '../orders/slice';
import { ticket } from './slice';

export function Confirm({ order }: { order: NewOrder }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus(), []);
  const price = order.type === OrderType.MARKET ? t('ticket.market') : order.price;
  return (
    <Dialog title={t('ticket.confirm')} onClose={() => dispatch(ticket.dismissed())}>
      <p>
        {t(order.side === Side.BUY ? 'side.buy' : 'side.sell')} {group(order.quantity)} {order.symbol} @ {price}
      </p>
      <div className="buttons">
        <button type="button" onClick={() => dispatch(ticket.dismissed())}>
          {t('ticket.back')}
        </button>
        <button type="button" className="primary" ref={yes} onClick={() => dispatch(ticket.confirmed())}>
          {t('ticket.confirm.send')}
        </button>
      </div>
    </Dialog>
  );
}
