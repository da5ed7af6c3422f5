// The state of the venue, from its stream and its lists.
import { TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { sequenceOf } from '../feed/cursor';
import { ListHead } from './ListHead';
import { countWords, spanWords, statusWord } from './words';

const statuses = [TradingStatus.PRE_OPEN, TradingStatus.OPEN, TradingStatus.HALTED, TradingStatus.CLOSED];

export function VenueTab() {
  const t = useT();
  const feed = useAppSelector((s) => s.feed);
  const instruments = useAppSelector((s) => s.market.instruments);
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const connections = useAppSelector((s) => s.admin.lists.connections.value);
  const live = connections?.filter((one) => one.endTime === undefined);
  const blocked = Math.max(0, ...(live?.map((one) => one.sendBlocked ?? 0) ?? []));
  const fact = (name: string, value: string) => (
    <div>
      <dt>{name}</dt>
      <dd className="live">{value}</dd>
    </div>
  );
  const counts = statuses
    .map((status) => [status, Object.values(instruments).filter((one) => one.status === status).length] as const)
    .filter(([, n]) => n > 0)
    .map(([status, n]) => `${statusWord(t, status)} ${n}`);
  return (
    <section className="facts" aria-label={t('admin.tab.venue')}>
      <dl>
        {fact(t('admin.venue.version'), feed.serverVersion)}
        {fact(t('admin.venue.epoch'), feed.epoch)}
        {fact(t('admin.venue.sequence'), countWords(Math.max(0, sequenceOf(feed.cursor))))}
        {fact(t('admin.venue.lag'), feed.lag === undefined ? '–' : spanWords(t, Math.round(feed.lag)))}
        {fact(t('admin.venue.clock'), t('admin.ms', { n: Math.round(feed.clockOffset) }))}
        {fact(t('admin.venue.heartbeat'), spanWords(t, feed.heartbeatMs))}
        {fact(t('admin.venue.stale'), spanWords(t, feed.staleMs))}
        {fact(t('admin.venue.watchdog'), spanWords(t, feed.watchdogMs))}
        {fact(t('admin.venue.acknowledge'), spanWords(t, feed.acknowledgeMs))}
        {fact(t('admin.venue.instruments'), counts.join(', ') || '–')}
      </dl>
      <ListHead list="users" />
      <dl>
        {fact(
          t('admin.venue.users'),
          users ? t('admin.venue.usersOf', { online: users.filter((one) => one.online).length, suspended: users.filter((one) => one.suspended).length, all: users.length }) : '–',
        )}
      </dl>
      <ListHead list="connections" />
      <dl>{fact(t('admin.venue.streams'), live ? t('admin.venue.streamsOf', { live: live.length, blocked: blocked > 0 ? spanWords(t, blocked) : t('admin.venue.notBlocked') }) : '–')}</dl>
    </section>
  );
}
