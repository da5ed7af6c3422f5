// Everything that happened to the user, in order: sent, accepted, filled, refused, cancelled,
// unknown.
import { useCallback, useMemo, useState } from 'react';
import { ExecType, OrderStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { type Key, type Translate, useT } from '../../i18n';
import { Time } from '../../ui/Time';
import { selection } from '../market/selection';
import { type Instrument, priceDigits } from '../market/slice';
import { type VenueReason, useReasonText } from '../orders/reasons';
import { orders } from '../orders/slice';
import { Blotter } from './Blotter';
import { shownNumber, SideCell } from './cells';
import { type Column, utc } from './columns';
import { type ActivityRow, selectActivityRows } from './rows';

const rowKey = ({ key }: ActivityRow): string => key;
const facts = ({ side, symbol }: ActivityRow) => ({ side, symbol });

/** Whether a request had no effect. */
const isRefusal = ({ execution, note }: ActivityRow): boolean => execution?.execType === ExecType.REJECTED || note?.kind === 'refused';

function whatKey({ execution, note }: ActivityRow): Key {
  if (execution) {
    const part = execution.execType === ExecType.TRADE && execution.order?.status === OrderStatus.PARTIALLY_FILLED;
    return part ? 'blotter.exec.2.part' : (`blotter.exec.${execution.execType || 1}` as Key);
  }
  if (note?.kind === 'sent') return `blotter.sent.${note.change?.kind ?? 'place'}`;
  if (note?.kind === 'refused') return `blotter.refused.${note.change?.kind ?? 'other'}`;
  return `blotter.noted.${note?.kind ?? 'settled'}`;
}

function rowState(row: ActivityRow): string | undefined {
  if (isRefusal(row)) return 'refused';
  return row.note?.kind === 'unknown' ? 'unknown' : undefined;
}

function columnsOf(t: Translate, textOf: (reason: VenueReason) => string, instruments: Readonly<Record<string, Instrument>>): Column<ActivityRow>[] {
  return [
    { id: 'time', title: t('column.time'), width: 100, value: ({ time }) => utc(time), cell: ({ time }) => <Time at={time} as="recent" /> },
    { id: 'what', title: t('blotter.what'), width: 150, value: (row) => t(whatKey(row)), cell: (row) => <span className={rowState(row) ? 'warn' : ''}>{t(whatKey(row))}</span> },
    { id: 'symbol', title: t('column.symbol'), width: 84, value: ({ symbol }) => symbol },
    { id: 'side', title: t('column.side'), width: 56, value: ({ side }) => (side === 0 ? '' : t(side === 1 ? 'side.buy' : 'side.sell')), cell: ({ side }) => <SideCell side={side} /> },
    { id: 'quantity', title: t('column.quantity'), kind: 'number', width: 80, value: ({ quantity }) => quantity, cell: ({ quantity }) => shownNumber(quantity) },
    { id: 'price', title: t('column.price'), kind: 'number', width: 90, value: ({ price }) => price, cell: ({ price, symbol }) => shownNumber(price, priceDigits(instruments[symbol])) },
    { id: 'reason', title: t('blotter.reason'), width: 320, value: ({ problem }) => (problem ? textOf(problem) : ''), cell: ({ problem }) => problem && <span title={textOf(problem)}>{textOf(problem)}</span> },
    { id: 'order', title: t('blotter.order'), width: 90, value: ({ orderId }) => orderId },
    { id: 'request', title: t('blotter.request'), width: 120, hidden: true, value: ({ requestId }) => requestId },
  ];
}

export function Activity() {
  const t = useT();
  const dispatch = useAppDispatch();
  const textOf = useReasonText();
  const all = useAppSelector(selectActivityRows);
  const state = useAppSelector((s) => s.orders.history.executions);
  const instruments = useAppSelector((s) => s.market.instruments);
  const [refusals, setRefusals] = useState(false);
  const rows = useMemo(() => (refusals ? all.filter(isRefusal) : all), [all, refusals]);
  const columns = useMemo(() => columnsOf(t, textOf, instruments), [t, textOf, instruments]);
  const onOlder = useCallback(() => dispatch(orders.olderWanted('executions')), [dispatch]);
  return (
    <Blotter
      id="activity"
      title="panel.activity"
      rows={rows}
      columns={columns}
      rowKey={rowKey}
      facts={facts}
      empty={refusals ? 'blotter.noRefusals' : 'blotter.noActivity'}
      history={{ state, onOlder }}
      rowState={rowState}
      onOpen={({ symbol }) => symbol !== '' && dispatch(selection.chosen(symbol))}
      tools={
        <label>
          <input type="checkbox" checked={refusals} onChange={(event) => setRefusals(event.target.checked)} />
          {t('blotter.onlyRefusals')}
        </label>
      }
    />
  );
}
