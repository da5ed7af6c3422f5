// One stream in full: where it is, and how old its live messages were when they were sent,
// acknowledged and painted.
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { ListHead } from './ListHead';
import { countWords, endingWords, spanWords, useMoments } from './words';

export function ConnectionDetails({ user, onClose }: { user: string; onClose: () => void }) {
  const t = useT();
  const { timeWords, utcWords } = useMoments();
  const { value: one, loading } = useAppSelector((s) => s.admin.lists.connection);
  const delivery = one?.delivery;
  const fact = (name: string, value: string | undefined, title?: string) => (
    <div>
      <dt>{name}</dt>
      <dd title={title}>{value}</dd>
    </div>
  );
  return (
    <Dialog title={t('admin.conn.detailsTitle', { user })} onClose={onClose}>
      <div className="details">
        <ListHead list="connection" />
        {!one && !loading && <p className="note">{t('admin.conn.gone')}</p>}
        {one && (
          <dl>
            {fact(t('admin.conn.id'), one.connectionId)}
            {fact(t('admin.conn.session'), one.sessionId)}
            {fact(t('admin.conn.client'), one.clientName)}
            {fact(t('admin.conn.from'), one.remoteAddress)}
            {fact(t('admin.conn.attach'), one.attachNumber)}
            {fact(t('admin.conn.attached'), timeWords(one.attachTime), utcWords(one.attachTime))}
            {fact(t('admin.conn.age'), spanWords(t, one.age))}
            {fact(t('admin.conn.idle'), spanWords(t, one.idle))}
            {fact(t('admin.conn.cursor'), one.lastCursor)}
            {fact(t('admin.conn.acknowledged'), `${one.acknowledgedCursor || '–'} · ${timeWords(one.acknowledgeTime)}`, utcWords(one.acknowledgeTime))}
            {one.endTime !== undefined && fact(t('admin.conn.ended.why'), endingWords(t, one.endReason, one.endCause))}
          </dl>
        )}
        {one && !delivery && <p className="note">{t('admin.conn.noLatency')}</p>}
        {delivery && (
          <table className="grid" aria-label={t('admin.conn.latency')}>
            <caption>{t('admin.conn.latency')}</caption>
            <thead>
              <tr>
                <th>{t('admin.conn.when')}</th>
                <th className="number">{t('admin.conn.count')}</th>
                <th className="number">p50</th>
                <th className="number">p90</th>
                <th className="number">p99</th>
              </tr>
            </thead>
            <tbody>
              {(
                [
                  ['sent', delivery.sent],
                  ['acked', delivery.acknowledged],
                  ['painted', delivery.painted],
                ] as const
              ).map(([name, ages]) => (
                <tr key={name}>
                  <th scope="row">{t(`admin.conn.${name}`)}</th>
                  <td className="number">{countWords(ages?.count ?? 0)}</td>
                  <td className="number">{ages?.p50 ?? '–'}</td>
                  <td className="number">{ages?.p90 ?? '–'}</td>
                  <td className="number">{ages?.p99 ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {delivery && delivery.recent.length > 0 && (
          <p className="note">
            {t('admin.conn.recent')}: {delivery.recent.join(', ')}
          </p>
        )}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            {t('admin.dialog.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
