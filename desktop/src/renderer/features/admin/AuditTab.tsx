// Who did what, when and from where, and the recipients of what was pushed.
import { type FormEvent, useMemo, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { ChoiceField, TextField } from './Fields';
import { ListHead } from './ListHead';
import type { Query } from './queries';
import { selectMay } from './selectors';
import { admin } from './slice';
import { FindRecipients, Recipients } from './Recipients';
import { useMoments } from './words';

/** The time in a datetime-local field, in the user's zone, ms since 1970; 0 if it is empty. */
export function momentOf(text: string): number {
  return text === '' ? 0 : new Date(text).getTime();
}

export function AuditTab() {
  const t = useT();
  const { timeWords, utcWords } = useMoments();
  const dispatch = useAppDispatch();
  const { value, query, loading } = useAppSelector((s) => s.admin.lists.audit);
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const names = useMemo(() => users?.map((one) => one.user) ?? [], [users]);
  const mayAskRecipients = useAppSelector(selectMay('recipients'));
  const [user, setUser] = useState(query?.user ?? '');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [kind, setKind] = useState('');
  const [recipients, setRecipients] = useState(false);
  const entries = value?.entries ?? [];
  const kinds = useMemo(() => [...new Set([...(value?.entries ?? []).map(({ action }) => action), ...(kind ? [kind] : [])])].toSorted(), [value, kind]);
  const shown = kind === '' ? entries : entries.filter(({ action }) => action === kind);
  const backwards = from !== '' && to !== '' && momentOf(to) < momentOf(from);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!backwards) dispatch(admin.wanted({ list: 'audit', user: user.trim(), from: momentOf(from), to: momentOf(to), pageToken: '' }));
  };
  const find = (of: Omit<Extract<Query, { list: 'recipients' }>, 'list'>): void => {
    dispatch(admin.wanted({ list: 'recipients', ...of }));
    setRecipients(true);
  };
  return (
    <>
      <ListHead list="audit">
        <form className="filter" onSubmit={submit}>
          <TextField label={t('admin.user.user')} name="user" value={user} onChange={setUser} suggestions={names} />
          <TextField label={t('admin.audit.from')} name="from_time" type="datetime-local" value={from} onChange={setFrom} />
          <TextField label={t('admin.audit.to')} name="to_time" type="datetime-local" value={to} onChange={setTo} problem={backwards ? t('admin.check.period') : undefined} />
          <button type="submit">{t('admin.show')}</button>
          <ChoiceField label={t('admin.audit.kind')} name="kind" value={kind} choices={[['', t('admin.audit.allKinds')] as const, ...kinds.map((one) => [one, one] as const)]} onChange={setKind} />
        </form>
        {mayAskRecipients && <FindRecipients onFind={find} />}
      </ListHead>
      <table className="grid" aria-label={t('admin.tab.audit')}>
        <thead>
          <tr>
            <th>{t('column.time')}</th>
            <th>{t('admin.user.user')}</th>
            <th>{t('admin.audit.action')}</th>
            {mayAskRecipients && <th>{t('admin.actions')}</th>}
            <th>{t('admin.audit.account')}</th>
            <th>{t('admin.audit.detail')}</th>
            <th className="number">{t('admin.audit.sequence')}</th>
            <th>{t('admin.audit.where')}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((entry, at) => (
            // oxlint-disable-next-line react/no-array-index-key -- entries have no id, and the list only grows at its end
            <tr key={at}>
              <td title={utcWords(entry.time)}>{timeWords(entry.time)}</td>
              <td>{entry.user || '–'}</td>
              <td>{entry.action}</td>
              {mayAskRecipients && (
                <td className="actions">
                  {entry.sequence > 0 && (
                    <button type="button" onClick={() => find({ sequence: entry.sequence, orderId: '', account: '', tradeId: '' })}>
                      {t('admin.audit.recipients')}
                    </button>
                  )}
                </td>
              )}
              <td>{entry.account}</td>
              <td className="words">{entry.detail}</td>
              <td className="number">{entry.sequence || ''}</td>
              <td title={entry.connectionId || entry.sessionId || undefined}>{entry.remoteAddress}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {value && (
        <div className="more">
          <span role="status">{t('admin.audit.shown', { shown: shown.length, loaded: entries.length })}</span>
          {value.nextPageToken !== '' && query ? (
            <button type="button" disabled={loading} onClick={() => dispatch(admin.wanted({ ...query, pageToken: value.nextPageToken }))}>
              {t('admin.more')}
            </button>
          ) : (
            <span>{t('admin.audit.end')}</span>
          )}
        </div>
      )}
      {recipients && <Recipients onClose={() => setRecipients(false)} />}
    </>
  );
}
