// One price of the ladder. All props are primitive values, so that a change at one price does
// not render the rows of other prices.
import { type CSSProperties, memo } from 'react';
import { group } from '../../../shared/decimal';
import { useT } from '../../i18n';

export interface RowProps {
  id: string;
  ticks: number;
  price: string;
  bid: string;
  bidShare: number;
  offer: string;
  offerShare: number;
  buying: string;
  selling: string;
  /** A request for an own order of this row is pending. */
  busy: boolean;
  last: -1 | 0 | 1 | undefined;
  cursor: boolean;
  /** The order being moved would be dropped here. */
  target: boolean;
}

const bar = (share: number): CSSProperties => ({ '--share': `${share}%` }) as CSSProperties;

export const Row = memo(function Row({ id, ticks, price, bid, bidShare, offer, offerShare, buying, selling, busy, last, cursor, target }: RowProps) {
  const t = useT();
  return (
    <div role="row" id={id} className="rung" aria-selected={cursor} data-ticks={ticks} data-target={target || undefined} data-busy={busy || undefined}>
      <span role="gridcell" className="own buy live" data-act={buying ? 'ownBuy' : undefined} title={buying ? t('ladder.ownHint') : undefined}>
        {buying && group(buying)}
      </span>
      <span role="gridcell" className="size bid live" data-act="buy" style={bar(bidShare)}>
        {bid && group(bid)}
      </span>
      <span role="gridcell" className="price live" data-last={last}>
        {last !== undefined && (
          <span className="mark" role="img" aria-label={t('ladder.last')}>
            {last > 0 ? '▲' : last < 0 ? '▼' : '●'}
          </span>
        )}
        {price}
      </span>
      <span role="gridcell" className="size offer live" data-act="sell" style={bar(offerShare)}>
        {offer && group(offer)}
      </span>
      <span role="gridcell" className="own sell live" data-act={selling ? 'ownSell' : undefined} title={selling ? t('ladder.ownHint') : undefined}>
        {selling && group(selling)}
      </span>
    </div>
  );
});
