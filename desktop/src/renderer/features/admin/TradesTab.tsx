// Busts trades, chosen from a list or by number.
import { type FormEvent, useState } from 'react';
import { TradeStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import type { Print } from '../market/slice';
import { ChangeDialog } from './ChangeDialog';
import { ChoiceField, TextField } from './Fields';
import { ListHead } from './ListHead';
import { checkNumber, checkReason } from './rules';
import { admin } from './slice';
import { useMoments } from './words';

export function TradesTab() {
  const t = useT();
  const { timeWords, utcWords } = useMoments();
  const dispatch = useAppDispatch();
  const instruments = useAppSelector((s) => s.market.instruments);
  const { value, query } = useAppSelector((s) => s.admin.lists.trades);
  const chosen = useAppSelector((s) => s.selection.symbol);
  const [symbol, setSymbol] = useState(query?.symbol ?? chosen);
  const [asking, setAsking] = useState<Print | 'number'>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (symbol !== '') dispatch(admin.wanted({ list: 'trades', symbol }));
  };
  return (
    <>
      <ListHead list="trades">
        <form className="filter" onSubmit={submit}>
          <ChoiceField label={t('admin.trade.symbol')} name="symbol" value={symbol} choices={Object.keys(instruments).map((one) => [one, one] as const)} onChange={setSymbol} />
          <button type="submit">{t('admin.show')}</button>
          <button type="button" onClick={() => setAsking('number')}>
            {t('admin.trade.bustById')}
          </button>
        </form>
      </ListHead>
      {value && (
        <table className="grid" aria-label={t('admin.trade.list', { symbol: query?.symbol ?? '' })}>
          <thead>
            <tr>
              <th className="number">{t('admin.trade.id')}</th>
              <th>{t('column.time')}</th>
              <th>{t('column.status')}</th>
              <th>{t('admin.actions')}</th>
              <th className="number">{t('column.price')}</th>
              <th className="number">{t('column.quantity')}</th>
            </tr>
          </thead>
          <tbody>
            {value.map((trade) => (
              <tr key={trade.tradeId} data-trade={trade.tradeId}>
                <th scope="row" className="number">
                  {trade.tradeId}
                </th>
                <td title={utcWords(trade.time)}>{timeWords(trade.time)}</td>
                <td className="status" data-status={trade.status === TradeStatus.BUSTED ? 'halted' : 'open'}>
                  {t(trade.status === TradeStatus.BUSTED ? 'admin.trade.busted' : 'admin.trade.concluded')}
                </td>
                <td className="actions">
                  {trade.status !== TradeStatus.BUSTED && (
                    <button type="button" onClick={() => setAsking(trade)}>
                      {t('admin.trade.bust')}
                    </button>
                  )}
                </td>
                <td className="number">{trade.price}</td>
                <td className="number">{group(trade.quantity)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {value?.length === 0 && <p className="note">{t('admin.empty')}</p>}
      {asking && <AskBust {...(asking === 'number' ? {} : { trade: asking })} onClose={() => setAsking(undefined)} />}
    </>
  );
}

function AskBust({ trade, onClose }: { trade?: Print; onClose: () => void }) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const tradeId = trade?.tradeId ?? typed.normalize('NFKC').trim();
  const about = trade ? t('admin.trade.about', { quantity: group(trade.quantity), symbol: trade.symbol, price: trade.price }) : '';
  const title = t('admin.trade.title', { trade: tradeId || '…' });
  return (
    <ChangeDialog
      title={title}
      confirm={title}
      what={t('admin.trade.what', { trade: tradeId || '…', about })}
      change={{ kind: 'bust', tradeId, reason }}
      checks={[...(trade ? [] : checkNumber('trade_id', tradeId)), ...checkReason(reason)]}
      onClose={onClose}
    >
      {(problemAt) => (
        <>
          {!trade && <TextField label={t('admin.trade.id')} name="trade_id" value={typed} onChange={setTyped} numeric problem={problemAt('trade_id', typed)} autoFocus />}
          <TextField label={t('admin.reason')} name="reason" value={reason} onChange={setReason} hint={t('admin.reasonHint')} problem={problemAt('reason', reason)} autoFocus={trade !== undefined} />
        </>
      )}
    </ChangeDialog>
  );
}
