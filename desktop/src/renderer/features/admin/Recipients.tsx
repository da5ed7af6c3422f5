// The recipients of an event, an order or a trade: on which stream, and whether the client
// acknowledged it.
import { type FormEvent, useState } from 'react';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { ChoiceField, TextField } from './Fields';
import { ListHead } from './ListHead';
import { checkNumber } from './rules';
import { endingWords, useMoments } from './words';

type Of = 'event' | 'order' | 'trade';

export interface RecipientsOf {
  sequence: number;
  orderId: string;
  account: string;
  tradeId: string;
}

export function FindRecipients({ onFind }: { onFind: (of: RecipientsOf) => void }) {
  const t = useT();
  const [of, setOf] = useState<Of>('trade');
  const [number, setNumber] = useState('');
  const [account, setAccount] = useState('');
  const name = number.normalize('NFKC').trim();
  const [check] = checkNumber('number', name);
  const tooLarge = of === 'event' && !Number.isSafeInteger(Number(name));
  const problem = name !== '' && (check || tooLarge) ? t('admin.check.whole') : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (check || tooLarge) return;
    onFind({ sequence: of === 'event' ? Number(name) : 0, orderId: of === 'order' ? name : '', account: of === 'order' ? account.trim() : '', tradeId: of === 'trade' ? name : '' });
  };
  return (
    <form className="filter" onSubmit={submit}>
      <ChoiceField label={t('admin.recipients.find')} name="of" value={of} choices={(['trade', 'order', 'event'] as const).map((one) => [one, t(`admin.recipients.${one}`)] as const)} onChange={setOf} />
      <TextField label={t('admin.recipients.number')} name="number" value={number} onChange={setNumber} numeric problem={problem} />
      {of === 'order' && <TextField label={t('admin.recipients.account')} name="account" value={account} onChange={setAccount} hint={t('admin.recipients.accountHint')} />}
      <button type="submit">{t('admin.audit.recipients')}</button>
    </form>
  );
}

export function Recipients({ onClose }: { onClose: () => void }) {
  const t = useT();
  const { timeWords, utcWords } = useMoments();
  const { value, query } = useAppSelector((s) => s.admin.lists.recipients);
  const title = query?.tradeId
    ? t('admin.recipients.titleTrade', { trade: query.tradeId })
    : query?.orderId
      ? t('admin.recipients.titleOrder', { order: query.orderId })
      : t('admin.recipients.title', { sequence: query?.sequence ?? '' });
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="details">
        <ListHead list="recipients" />
        {value && value.recipients.length > 0 && (
          <div className="scroll">
            <table className="grid" aria-label={title}>
              <thead>
                <tr>
                  <th>{t('admin.user.user')}</th>
                  <th className="number">{t('admin.audit.sequence')}</th>
                  <th>{t('admin.recipients.committed')}</th>
                  <th>{t('admin.recipients.acknowledged')}</th>
                  <th>{t('admin.recipients.until')}</th>
                  <th>{t('admin.conn.from')}</th>
                </tr>
              </thead>
              <tbody>
                {value.recipients.map((one) => (
                  <tr key={`${one.sequence} ${one.connectionId} ${one.attachNumber}`}>
                    <th scope="row">{one.user}</th>
                    <td className="number">{one.sequence}</td>
                    <td title={utcWords(one.commitTime)}>{timeWords(one.commitTime)}</td>
                    <td title={utcWords(one.acknowledgeTime)}>{one.acknowledgeTime === undefined ? t('admin.recipients.not') : timeWords(one.acknowledgeTime)}</td>
                    <td title={utcWords(one.endTime)}>{one.endTime === undefined ? t('admin.recipients.lives') : `${timeWords(one.endTime)} · ${endingWords(t, one.endReason, '')}`}</td>
                    <td title={one.connectionId}>{one.remoteAddress}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {value?.recipients.length === 0 && <p className="note">{t('admin.recipients.nobody')}</p>}
        {value?.truncated && <p className="note">{t('admin.recipients.truncated')}</p>}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            {t('admin.dialog.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
