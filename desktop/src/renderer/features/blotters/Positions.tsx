// What the user's accounts hold, and what that is worth now, exactly.
import { useMemo, useState } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { compare, decimal, group } from '../../../shared/decimal';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { type Key, type Translate, useT } from '../../i18n';
import { selection } from '../market/selection';
import { Blotter } from './Blotter';
import { shownNumber } from './cells';
import type { Column } from './columns';
import type { PositionRow } from './result';
import { positionRows } from './rows';

const rowKey = ({ key }: PositionRow): string => key;
const rowState = ({ awaited }: PositionRow): string | undefined => (awaited ? 'awaited' : undefined);
const facts = ({ position }: PositionRow) => ({ side: Side.UNSPECIFIED, symbol: position.symbol });

/** Money with its sign written out, so that colour is not alone in telling gain from loss. */
function Money({ text }: { text: string }) {
  if (text === '') return '–';
  const sign = compare(decimal(text), decimal(''));
  return <span className={sign > 0 ? 'gain' : sign < 0 ? 'loss' : ''}>{`${sign > 0 ? '+' : ''}${group(text)}`}</span>;
}

function columnsOf(t: Translate): Column<PositionRow>[] {
  const money = (id: 'open' | 'realised', title: Key): Column<PositionRow> => ({ id, title: t(title), kind: 'number', width: 110, live: true, value: (row) => row[id], cell: (row) => <Money text={row[id]} /> });
  return [
    { id: 'symbol', title: t('column.symbol'), width: 84, value: ({ position }) => position.symbol },
    { id: 'quantity', title: t('column.quantity'), kind: 'number', width: 90, live: true, value: ({ position }) => position.quantity, cell: ({ position }) => shownNumber(position.quantity) },
    { id: 'average', title: t('blotter.average'), kind: 'number', width: 120, live: true, value: ({ average }) => average, cell: ({ average }) => group(average) },
    { id: 'close', title: t('blotter.close'), kind: 'number', width: 90, live: true, value: ({ close }) => close, cell: ({ close }) => (close === '' ? '–' : group(close)) },
    money('open', 'blotter.open'),
    money('realised', 'blotter.realised'),
    { id: 'currency', title: t('blotter.currency'), width: 80, value: ({ currency }) => currency },
    { id: 'account', title: t('blotter.account'), width: 80, hidden: true, value: ({ position }) => position.account },
  ];
}

export function Positions() {
  const t = useT();
  const dispatch = useAppDispatch();
  const [select] = useState(positionRows);
  const rows = useAppSelector(select);
  const columns = useMemo(() => columnsOf(t), [t]);
  return (
    <Blotter
      id="positions"
      title="panel.positions"
      rows={rows}
      columns={columns}
      rowKey={rowKey}
      rowState={rowState}
      facts={facts}
      sideless
      empty="blotter.noPositions"
      onOpen={({ position }) => dispatch(selection.chosen(position.symbol))}
    />
  );
}
