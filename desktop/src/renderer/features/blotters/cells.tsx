// Cells that several blotters have.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';

export function SideCell({ side }: { side: Side }) {
  const t = useT();
  if (side === Side.UNSPECIFIED) return null;
  return <span className={side === Side.BUY ? 'buy' : 'sell'}>{t(side === Side.BUY ? 'side.buy' : 'side.sell')}</span>;
}

/** A number of the venue with so many places, in groups of thousands; nothing for none. */
export function shownNumber(text: string, digits = 0): string {
  return text === '' ? '' : group(format(decimal(text), digits));
}
