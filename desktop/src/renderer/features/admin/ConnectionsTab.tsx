// Live streams, and the latest ended ones with their reasons.
import { type FormEvent, useMemo, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { sequenceOf } from '../feed/cursor';
import { ChangeDialog } from './ChangeDialog';
import { ConnectionDetails } from './ConnectionDetails';
import { CheckField, TextField } from './Fields';
import { ListHead } from './ListHead';
import type { Connection } from './queries';
import { selectMay } from './selectors';
import { admin } from './slice';
import { countWords, endingWords, spanWords, useMoments } from './words';

/** A cursor without the epoch, which is the same for all. */
function sequenceWords(cursor: string): string {
  return cursor === '' ? '–' : countWords(sequenceOf(cursor));
}

/** The most rows shown; to see others the user filters. */
const rowsShown = 200;

export function ConnectionsTab() {
  const t = useT();
  const { clockWords, timeWords, utcWords } = useMoments();
  const dispatch = useAppDispatch();
  const { value, query } = useAppSelector((s) => s.admin.lists.connections);
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const names = useMemo(() => users?.map(({ user }) => user) ?? [], [users]);
  const mayCut = useAppSelector(selectMay('disconnect'));
  const [user, setUser] = useState(query?.user ?? '');
  const [shown, setShown] = useState<Connection>();
  const [cutting, setCutting] = useState<Connection>();
  const live = value?.filter((one) => one.endTime === undefined) ?? [];
  const ended = value?.filter((one) => one.endTime !== undefined) ?? [];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    dispatch(admin.wanted({ list: 'connections', user: user.trim() }));
  };
  const details = (one: Connection): void => {
    dispatch(admin.wanted({ list: 'connection', connectionId: one.connectionId }));
    setShown(one);
  };
  return (
    <>
      <ListHead list="connections">
        <form className="filter" onSubmit={submit}>
          <TextField label={t('admin.conn.filter')} name="user" value={user} onChange={setUser} suggestions={names} />
          <button type="submit">{t('admin.show')}</button>
        </form>
      </ListHead>
      <h2>{t('admin.conn.live', { n: live.length })}</h2>
      <table className="grid" aria-label={t('admin.conn.live', { n: live.length })}>
        <thead>
          <tr>
            <th>{t('admin.user.user')}</th>
            <th>{t('admin.actions')}</th>
            <th>{t('admin.conn.client')}</th>
            <th>{t('admin.conn.from')}</th>
            <th className="number">{t('admin.conn.age')}</th>
            <th className="number">{t('admin.conn.idle')}</th>
            <th className="number">{t('admin.conn.bytes')}</th>
            <th className="number">{t('admin.conn.responses')}</th>
            <th className="number">{t('admin.conn.queued')}</th>
            <th className="number">{t('admin.conn.conflated')}</th>
            <th className="number">{t('admin.conn.cursor')}</th>
            <th>{t('admin.conn.acknowledged')}</th>
            <th className="number">{t('admin.conn.unacknowledged')}</th>
            <th className="number">{t('admin.conn.blocked')}</th>
          </tr>
        </thead>
        <tbody>
          {live.slice(0, rowsShown).map((one) => (
            <tr key={one.connectionId} data-connection={one.connectionId}>
              <th scope="row">{one.user}</th>
              <td className="actions">
                <button type="button" onClick={() => details(one)}>
                  {t('admin.conn.details')}
                </button>
                {mayCut && (
                  <button type="button" onClick={() => setCutting(one)}>
                    {t('admin.conn.disconnect')}
                  </button>
                )}
              </td>
              <td>{one.clientName}</td>
              <td>{one.remoteAddress}</td>
              <td className="number" title={utcWords(one.attachTime)}>
                {spanWords(t, one.age)}
              </td>
              <td className="number">{spanWords(t, one.idle)}</td>
              <td className="number">{countWords(one.bytesSent)}</td>
              <td className="number">{countWords(one.responsesSent)}</td>
              <td className="number">{countWords(one.queued)}</td>
              <td className="number">{countWords(one.conflated)}</td>
              <td className="number" title={one.lastCursor}>
                {sequenceWords(one.lastCursor)}
              </td>
              <td title={utcWords(one.acknowledgeTime)}>
                {one.acknowledgedNumber === 0 ? '–' : `${countWords(one.acknowledgedNumber)} · ${clockWords(one.acknowledgeTime)}`}
              </td>
              <td className="number">{countWords(one.unacknowledgedBytes)}</td>
              <td className="number">{spanWords(t, one.sendBlocked)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {live.length > rowsShown && <p className="note">{t('admin.hidden', { n: live.length - rowsShown })}</p>}
      <h2>{t('admin.conn.ended', { n: ended.length })}</h2>
      <table className="grid" aria-label={t('admin.conn.ended', { n: ended.length })}>
        <thead>
          <tr>
            <th>{t('admin.user.user')}</th>
            <th>{t('admin.conn.ended.at')}</th>
            <th>{t('admin.conn.ended.why')}</th>
            <th className="number">{t('admin.conn.age')}</th>
            <th>{t('admin.conn.client')}</th>
            <th>{t('admin.conn.from')}</th>
            <th className="number">{t('admin.conn.cursor')}</th>
          </tr>
        </thead>
        <tbody>
          {ended.map((one) => (
            <tr key={`${one.connectionId} ${one.attachNumber}`}>
              <th scope="row">{one.user}</th>
              <td title={utcWords(one.endTime)}>{timeWords(one.endTime)}</td>
              <td className="words" title={[one.endReason, one.endCause, one.endDetail].filter(Boolean).join(' · ')}>
                {endingWords(t, one.endReason, one.endCause)}
              </td>
              <td className="number">{spanWords(t, one.age)}</td>
              <td>{one.clientName}</td>
              <td>{one.remoteAddress}</td>
              <td className="number" title={one.lastCursor}>
                {sequenceWords(one.lastCursor)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown && <ConnectionDetails user={shown.user} onClose={() => setShown(undefined)} />}
      {cutting && <AskDisconnect connection={cutting} onClose={() => setCutting(undefined)} />}
    </>
  );
}

function AskDisconnect({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const t = useT();
  const [revokeSession, setRevoke] = useState(false);
  const { user, remoteAddress: from, connectionId } = connection;
  const title = t('admin.conn.disconnectTitle', { user });
  return (
    <ChangeDialog
      title={title}
      confirm={title}
      what={t(revokeSession ? 'admin.conn.revokeWhat' : 'admin.conn.disconnectWhat', { user, from })}
      change={{ kind: 'disconnect', connectionId, user, revokeSession }}
      onClose={onClose}
    >
      {() => <CheckField label={t('admin.conn.revoke')} name="revoke" checked={revokeSession} onChange={setRevoke} />}
    </ChangeDialog>
  );
}
