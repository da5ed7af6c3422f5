// The user's executions, newest first, back to the very first one.
import { useCallback, useMemo } from 'react';
import { ExecType } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { type Translate, useT } from '../../i18n';
import { Time } from '../../ui/Time';
import { selection } from '../market/selection';
import { type Instrument, priceDigits } from '../market/slice';
import { orders } from '../orders/slice';
import { Blotter } from './Blotter';
import { shownNumber, SideCell } from './cells';
import { type Column, utc } from './columns';
import { type ActivityRow, selectExecutionRows } from './rows';

const rowKey = ({ key }: ActivityRow): string => key;
const facts = ({ side, symbol }: ActivityRow) => ({ side, symbol });
const busted = ({ execution }: ActivityRow): boolean => execution?.execType === ExecType.TRADE_CANCEL;

function columnsOf(t: Translate, instruments: Readonly<Record<string, Instrument>>): Column<ActivityRow>[] {
  return [
    { id: 'time', title: t('column.time'), width: 100, value: ({ time }) => utc(time), cell: ({ time }) => <Time at={time} as="recent" /> },
    { id: 'symbol', title: t('column.symbol'), width: 84, value: ({ symbol }) => symbol },
    { id: 'side', title: t('column.side'), width: 56, value: ({ side }) => t(side === 1 ? 'side.buy' : 'side.sell'), cell: ({ side }) => <SideCell side={side} /> },
    { id: 'price', title: t('column.price'), kind: 'number', width: 90, value: ({ price }) => price, cell: ({ price, symbol }) => shownNumber(price, priceDigits(instruments[symbol])) },
    { id: 'quantity', title: t('column.quantity'), kind: 'number', width: 80, value: ({ quantity }) => quantity, cell: ({ quantity }) => shownNumber(quantity) },
    { id: 'what', title: t('column.status'), width: 110, value: (row) => t(busted(row) ? 'blotter.exec.7' : 'blotter.exec.2') },
    { id: 'role', title: t('blotter.role'), width: 70, value: ({ execution }) => t(execution?.maker ? 'blotter.maker' : 'blotter.taker') },
    { id: 'counterparty', title: t('blotter.counterparty'), width: 110, value: ({ execution }) => execution?.counterparty ?? '' },
    { id: 'order', title: t('blotter.order'), width: 90, value: ({ orderId }) => orderId },
    { id: 'trade', title: t('blotter.trade'), width: 90, value: ({ execution }) => execution?.tradeId ?? '' },
    { id: 'execution', title: t('blotter.execution'), width: 90, hidden: true, value: ({ execution }) => execution?.executionId ?? '' },
    { id: 'account', title: t('blotter.account'), width: 80, hidden: true, value: ({ execution }) => execution?.order?.account ?? '' },
  ];
}

export function Executions() {
  const t = useT();
  const dispatch = useAppDispatch();
  const rows = useAppSelector(selectExecutionRows);
  const state = useAppSelector((s) => s.orders.history.executions);
  const instruments = useAppSelector((s) => s.market.instruments);
  const columns = useMemo(() => columnsOf(t, instruments), [t, instruments]);
  const onOlder = useCallback(() => dispatch(orders.olderWanted('executions')), [dispatch]);
  return (
    <Blotter
      id="executions"
      title="panel.executions"
      rows={rows}
      columns={columns}
      rowKey={rowKey}
      facts={facts}
      empty="blotter.noExecutions"
      history={{ state, onOlder }}
      rowState={(row) => (busted(row) ? 'refused' : undefined)}
      onOpen={({ symbol }) => dispatch(selection.chosen(symbol))}
    />
  );
}
