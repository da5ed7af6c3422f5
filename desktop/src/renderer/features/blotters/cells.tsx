// Cells that several blotters use.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';

export function SideCell({ side }: { side: Side }) {
  const t = useT();
  if (side === Side.UNSPECIFIED) return null;
  return <span className={side === Side.BUY ? 'buy' : 'sell'}>{t(side === Side.BUY ? 'side.buy' : 'side.sell')}</span>;
}

/** A number of the venue with this many decimal places, grouped by thousands; empty for an empty string. */
export function shownNumber(text: string, digits = 0): string {
  return text === '' ? '' : group(format(decimal(text), digits));
}
