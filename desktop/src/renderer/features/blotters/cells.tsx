// Cells that several blotters have.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { utc } from './columns';

/** A time in the user's zone, and the venue's on hover. */
export function Time({ ms }: { ms: number }) {
  if (ms <= 0) return null;
  return (
    <time dateTime={utc(ms)} title={utc(ms)}>
      {clock(ms)}
    </time>
  );
}

/** The time of day, with the date where that is not today. */
function clock(ms: number): string {
  const date = new Date(ms);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return new Date().toDateString() === date.toDateString() ? time : `${date.toLocaleDateString(undefined, { month: '2-digit', day: '2-digit' })} ${time}`;
}

export function SideCell({ side }: { side: Side }) {
  const t = useT();
  if (side === Side.UNSPECIFIED) return null;
  return <span className={side === Side.BUY ? 'buy' : 'sell'}>{t(side === Side.BUY ? 'side.buy' : 'side.sell')}</span>;
}

/** A number of the venue with so many places, in groups of thousands; nothing for none. */
export function shownNumber(text: string, digits = 0): string {
  return text === '' ? '' : group(format(decimal(text), digits));
}
