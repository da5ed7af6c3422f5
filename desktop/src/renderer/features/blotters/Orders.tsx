// Working orders, and ended orders if wanted, with their pending requests. Orders are amended
// and cancelled in their row.
import { useCallback, useMemo, useState } from 'react';
import { OrderType, Side } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { type Key, type Translate, useT } from '../../i18n';
import { Time } from '../../ui/Time';
import { selectTradable } from '../feed/selectors';
import { selection } from '../market/selection';
import { type Instrument, priceDigits } from '../market/slice';
import { request } from '../orders/request';
import { type Order, orders, works } from '../orders/slice';
import { AmendOrder } from '../ticket/AmendOrder';
import { Blotter } from './Blotter';
import { shownNumber, SideCell } from './cells';
import { type Column, utc } from './columns';
import { type OrderRow, selectAllOrderRows, selectWorkingRows } from './rows';

const rowKey = ({ key }: OrderRow): string => key;
const placed = ({ pending }: OrderRow) => (pending?.change.kind === 'place' ? pending.change.order : undefined);
const facts = (row: OrderRow) => ({ side: row.order?.side ?? placed(row)?.side ?? Side.UNSPECIFIED, symbol: row.order?.symbol ?? placed(row)?.symbol ?? '' });

/** The state of an order as text; a pending request comes first. */
function statusKey({ order, pending }: OrderRow): Key {
  if (pending?.withdrawn) return 'blotter.withdrawing';
  if (pending?.unknown) return 'blotter.unknown';
  if (pending?.change.kind === 'place') return pending.taken ? 'blotter.taken' : 'blotter.pending';
  if (pending) return pending.change.kind === 'replace' ? 'blotter.amending' : 'blotter.cancelling';
  return `blotter.status.${order?.status ?? 1}` as Key;
}

function rowState({ order, pending }: OrderRow): string | undefined {
  if (pending) return pending.unknown ? 'unknown' : 'pending';
  return order && !works(order.status) ? 'ended' : undefined;
}

interface Actions {
  tradable: boolean;
  amend: (order: Order) => void;
  cancel: (order: Order) => void;
}

function columnsOf(t: Translate, instruments: Readonly<Record<string, Instrument>>, { tradable, amend, cancel }: Actions): Column<OrderRow>[] {
  const from = (row: OrderRow) => row.order ?? placed(row);
  const number = (id: string, title: Key, width: number, value: (row: OrderRow) => string): Column<OrderRow> => ({ id, title: t(title), kind: 'number', width, live: true, value, cell: (row) => shownNumber(value(row)) });
  const price = (row: OrderRow): string => from(row)?.price ?? '';
  return [
    { id: 'symbol', title: t('column.symbol'), width: 84, value: (row) => facts(row).symbol },
    { id: 'side', title: t('column.side'), width: 56, value: (row) => t(facts(row).side === Side.BUY ? 'side.buy' : 'side.sell'), cell: (row) => <SideCell side={facts(row).side} /> },
    {
      id: 'price',
      title: t('column.price'),
      kind: 'number',
      width: 90,
      live: true,
      value: price,
      cell: (row) => (price(row) === '' ? t('blotter.type.2') : shownNumber(price(row), priceDigits(instruments[facts(row).symbol]))),
    },
    number('quantity', 'column.quantity', 80, (row) => from(row)?.quantity ?? ''),
    number('filled', 'blotter.filled', 76, ({ order }) => order?.filledQuantity ?? ''),
    number('leaves', 'blotter.leaves', 76, ({ order }) => order?.leavesQuantity ?? ''),
    { id: 'status', title: t('column.status'), width: 130, live: true, value: (row) => t(statusKey(row)) },
    {
      id: 'actions',
      title: t('blotter.actions'),
      kind: 'actions',
      width: 150,
      value: () => '',
      cell: ({ order }) =>
        order &&
        works(order.status) && (
          <>
            {order.type === OrderType.LIMIT && (
              <button type="button" tabIndex={-1} disabled={!tradable} title={tradable ? undefined : t('blotter.notLive')} aria-label={t('blotter.amendOrder', { id: order.orderId })} onClick={() => amend(order)}>
                {t('blotter.amend')}
              </button>
            )}
            <button type="button" tabIndex={-1} disabled={!tradable} title={tradable ? undefined : t('blotter.notLive')} aria-label={t('blotter.cancelOrder', { id: order.orderId })} onClick={() => cancel(order)}>
              {t('blotter.cancel')}
            </button>
          </>
        ),
    },
    { id: 'type', title: t('blotter.type'), width: 70, value: (row) => t(`blotter.type.${from(row)?.type ?? 1}` as Key) },
    { id: 'validity', title: t('blotter.validity'), width: 70, value: (row) => t(`blotter.tif.${from(row)?.timeInForce || 1}` as Key) },
    { id: 'entered', title: t('blotter.entered'), width: 100, value: ({ order, pending }) => utc(order?.enteredTime ?? pending?.sentAt ?? 0), cell: ({ order, pending }) => <Time at={order?.enteredTime ?? pending?.sentAt ?? 0} as="recent" /> },
    { id: 'updated', title: t('blotter.updated'), width: 100, hidden: true, value: ({ order }) => utc(order?.updatedTime ?? 0), cell: ({ order }) => <Time at={order?.updatedTime ?? 0} as="recent" /> },
    { id: 'order', title: t('blotter.order'), width: 90, value: ({ order }) => order?.orderId ?? '' },
    { id: 'account', title: t('blotter.account'), width: 80, hidden: true, value: (row) => from(row)?.account ?? '' },
    { id: 'user', title: t('blotter.user'), width: 80, hidden: true, value: ({ order }) => order?.user ?? '' },
    { id: 'request', title: t('blotter.request'), width: 120, hidden: true, value: ({ order, pending }) => order?.clientOrderId ?? pending?.id ?? '' },
  ];
}

export function Orders() {
  const t = useT();
  const dispatch = useAppDispatch();
  const [ended, setEnded] = useState(false);
  const [amended, setAmended] = useState<Order>();
  const rows = useAppSelector(ended ? selectAllOrderRows : selectWorkingRows);
  const history = useAppSelector((s) => s.orders.history.done);
  const instruments = useAppSelector((s) => s.market.instruments);
  const tradable = useAppSelector(selectTradable);
  const cancel = useCallback(
    ({ orderId, account, symbol }: Order) => {
      dispatch(request({ kind: 'cancel', orderId, account, symbol }));
    },
    [dispatch],
  );
  const columns = useMemo(() => columnsOf(t, instruments, { tradable, amend: setAmended, cancel }), [t, instruments, tradable, cancel]);
  const older = useCallback(() => dispatch(orders.olderWanted('done')), [dispatch]);
  const ifWorks = (act: (order: Order) => void) => (row: OrderRow) => {
    dispatch(selection.chosen(facts(row).symbol));
    if (tradable && row.order && works(row.order.status)) act(row.order);
  };
  return (
    <>
      <Blotter
        id="orders"
        title="panel.orders"
        rows={rows}
        columns={columns}
        rowKey={rowKey}
        facts={facts}
        empty="blotter.noOrders"
        rowState={rowState}
        onOpen={ifWorks((order) => order.type === OrderType.LIMIT && setAmended(order))}
        onDelete={ifWorks(cancel)}
        {...(ended ? { history: { state: history, onOlder: older } } : {})}
        tools={
          <label>
            <input type="checkbox" checked={ended} onChange={(event) => setEnded(event.target.checked)} />
            {t('blotter.showEnded')}
          </label>
        }
      />
      {amended && <AmendOrder key={amended.orderId} order={amended} onClose={() => setAmended(undefined)} />}
    </>
  );
}
