// Instruments as the stream delivers them, and the actions on each.
import { useState } from 'react';
import { TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import type { Instrument } from '../market/slice';
import { ChangeDialog } from './ChangeDialog';
import { EditInstrument } from './EditInstrument';
import { TextField } from './Fields';
import { selectMay } from './selectors';
import { checkReason } from './rules';
import { classWord, statusKeys, statusWord } from './words';

type Asking = { kind: 'new' } | { kind: 'edit'; instrument: Instrument } | { kind: 'status'; symbol: string; status: Settable };
type Settable = TradingStatus.OPEN | TradingStatus.HALTED | TradingStatus.CLOSED | TradingStatus.PRE_OPEN;

const settable: Settable[] = [TradingStatus.OPEN, TradingStatus.HALTED, TradingStatus.CLOSED, TradingStatus.PRE_OPEN];

export function InstrumentsTab() {
  const t = useT();
  const instruments = useAppSelector((s) => s.market.instruments);
  const mayEdit = useAppSelector(selectMay('upsertInstrument'));
  const [asking, setAsking] = useState<Asking>();
  const close = (): void => setAsking(undefined);
  return (
    <>
      <div className="list-head">
        <span className="as-of">{t('admin.live')}</span>
        <span className="spacer" />
        {mayEdit && (
          <button type="button" onClick={() => setAsking({ kind: 'new' })}>
            {t('admin.instrument.new')}
          </button>
        )}
      </div>
      <table className="grid" aria-label={t('admin.tab.instruments')}>
        <thead>
          <tr>
            <th>{t('admin.instrument.symbol')}</th>
            <th>{t('admin.instrument.status')}</th>
            <th>{t('admin.actions')}</th>
            <th>{t('admin.reason')}</th>
            <th>{t('admin.instrument.name')}</th>
            <th>{t('admin.instrument.asset_class')}</th>
            <th>{t('admin.instrument.currency')}</th>
            <th className="number">{t('admin.instrument.tick_size')}</th>
            <th className="number">{t('admin.instrument.lot_size')}</th>
            <th className="number">{t('admin.instrument.reference_price')}</th>
            <th className="number">{t('admin.instrument.band_basis_points')}</th>
          </tr>
        </thead>
        <tbody>
          {Object.values(instruments).map((instrument) => (
            <tr key={instrument.symbol} data-symbol={instrument.symbol}>
              <th scope="row">{instrument.symbol}</th>
              <td className="live status" data-status={statusKeys[instrument.status]}>
                {statusWord(t, instrument.status)}
              </td>
              <td className="actions">
                {settable
                  .filter((status) => status !== instrument.status)
                  .map((status) => (
                    <button key={status} type="button" onClick={() => setAsking({ kind: 'status', symbol: instrument.symbol, status })}>
                      {t(`admin.status.do.${statusKeys[status]}`)}
                    </button>
                  ))}
                {mayEdit && (
                  <button type="button" onClick={() => setAsking({ kind: 'edit', instrument })}>
                    {t('admin.instrument.edit')}
                  </button>
                )}
              </td>
              <td className="words">{instrument.statusReason}</td>
              <td>{instrument.name}</td>
              <td>{classWord(t, instrument.assetClass)}</td>
              <td>{instrument.currency}</td>
              <td className="number">{instrument.tickSize}</td>
              <td className="number">{instrument.lotSize}</td>
              <td className="number">{instrument.referencePrice}</td>
              <td className="number">{instrument.bandBasisPoints || '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {asking?.kind === 'new' && <EditInstrument onClose={close} />}
      {asking?.kind === 'edit' && <EditInstrument before={asking.instrument} onClose={close} />}
      {asking?.kind === 'status' && <AskStatus symbol={asking.symbol} status={asking.status} onClose={close} />}
    </>
  );
}

function AskStatus({ symbol, status, onClose }: { symbol: string; status: Settable; onClose: () => void }) {
  const t = useT();
  const [reason, setReason] = useState('');
  const key = statusKeys[status];
  const title = t('admin.status.title', { verb: t(`admin.status.do.${key}`), symbol });
  return (
    <ChangeDialog title={title} confirm={title} what={t(`admin.status.what.${key}`, { symbol })} change={{ kind: 'setStatus', symbol, status, reason }} checks={checkReason(reason)} onClose={onClose}>
      {(problemAt) => <TextField label={t('admin.reason')} name="reason" value={reason} onChange={setReason} hint={t('admin.reasonHint')} problem={problemAt('reason', reason)} autoFocus />}
    </ChangeDialog>
  );
}
