// The book of the chosen instrument: bids left, asks right, best on top. A click on a level
// copies its price to the ticket.
import { memo, type MouseEvent, useMemo } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { decimal, format, group, isZero } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { Direction } from '../../ui/Direction';
import { useFlash } from '../../ui/useFlash';
import { ticket } from '../ticket/slice';
import { Age } from './Age';
import { cumulative, fullBar, largest, shareOf } from './figures';
import './market.css';
import { selectAwaited, selectOwnQuantities } from './selectors';
import { type Level, priceDigits } from './slice';
import { Status } from './Status';

const rows = 20;

export function Depth() {
  const t = useT();
  const dispatch = useAppDispatch();
  const symbol = useAppSelector((s) => s.selection.symbol);
  const book = useAppSelector((s) => s.market.books[symbol]);
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  const own = useAppSelector((s) => selectOwnQuantities(s, symbol));
  const awaited = useAppSelector((s) => selectAwaited(s, symbol));
  const bids = useMemo(() => book?.bids.slice(0, rows) ?? [], [book]);
  const offers = useMemo(() => book?.offers.slice(0, rows) ?? [], [book]);
  const full = useMemo(() => fullBar(largest(bids, offers)), [bids, offers]);
  const digits = priceDigits(instrument);
  if (!instrument) return null;
  const take = ({ target }: MouseEvent): void => {
    const price = (target as Element).closest<HTMLElement>('[data-price]')?.dataset['price'];
    if (price !== undefined) dispatch(ticket.typedPrice({ symbol, text: format(decimal(price), digits) }));
  };
  const [bid, offer] = [bids[0], offers[0]];
  const spread = bid && offer ? offer.ticks - bid.ticks : undefined;
  return (
    <section className="depth-panel" data-awaited={awaited || undefined} aria-label={t('market.depthOf', { symbol })}>
      <header className="panel-bar">
        <strong>{symbol}</strong>
        <Status instrument={instrument} />
        <Last symbol={symbol} digits={digits} />
        <span className="spread live">
          {t('market.spread')} {spread === undefined ? t('market.noSpread') : spread === 1 ? t('market.ticks.one') : t('market.ticks.other', { n: spread })}
        </span>
        <Age awaited={awaited} />
      </header>
      {/* Prices are typed, stepped and picked with keys in the ticket and the ladder; the mouse has this short way. */}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
      <div className="book" onClick={take}>
        <SideOfBook side="bid" levels={bids} own={own.bids} full={full} digits={digits} caption={t('market.bids', { symbol })} />
        <SideOfBook side="offer" levels={offers} own={own.offers} full={full} digits={digits} caption={t('market.offers', { symbol })} />
      </div>
      {bids.length + offers.length === 0 && !awaited && <p className="nothing">{t('market.noBook')}</p>}
    </section>
  );
}

function Last({ symbol, digits }: { symbol: string; digits: number }) {
  const quote = useAppSelector((s) => s.market.quotes[symbol]);
  const t = useT();
  const last = decimal(quote?.last ?? '');
  return (
    <span className="last live" data-direction={quote?.direction}>
      {t('column.last')} <Direction of={quote?.direction} />
      {isZero(last) ? '–' : format(last, digits)}
    </span>
  );
}

interface SideProps {
  side: 'bid' | 'offer';
  levels: Level[];
  own: Record<string, string>;
  full: string;
  digits: number;
  caption: string;
}

const SideOfBook = memo(function SideOfBook({ side, levels, own, full, digits, caption }: SideProps) {
  const t = useT();
  const totals = useMemo(() => cumulative(levels), [levels]);
  const titles = [
    ['orders', t('market.short.orders'), t('column.orders')],
    ['total', t('market.cumulative'), t('market.cumulative')],
    ['quantity', t('market.short.quantity'), t('column.quantity')],
    ['price', t(side === 'bid' ? 'column.bid' : 'column.offer'), t('column.price')],
  ] as const;
  return (
    <table className={`depth ${side}`}>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {ordered(side, titles).map(([name, short, title]) => (
            <th key={name} scope="col" className={name} title={title}>
              {short}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {levels.map((level, at) => (
          <Row key={level.price} side={side} level={level} total={totals[at]!} own={own[level.price]} share={shareOf(level.quantity, full)} digits={digits} />
        ))}
      </tbody>
    </table>
  );
});

/** Mirrors the columns of the asks, so that the price columns meet in the middle. */
function ordered<T>(side: 'bid' | 'offer', columns: readonly T[]): readonly T[] {
  return side === 'bid' ? columns : columns.toReversed();
}

interface RowProps {
  side: 'bid' | 'offer';
  level: Level;
  total: string;
  own: string | undefined;
  share: number;
  digits: number;
}

const Row = memo(function Row({ side, level, total, own, share, digits }: RowProps) {
  const t = useT();
  const flash = useFlash<HTMLTableCellElement>(level.quantity);
  const cells = [
    <td key="orders" className="number live orders">
      {level.orders}
    </td>,
    <td key="total" className="number live total">
      {group(total)}
    </td>,
    <td key="quantity" ref={flash} className="number live quantity">
      {own !== undefined && (
        <span className="own" role="img" aria-label={t('market.ownHint', { quantity: group(own) })} title={t('market.ownHint', { quantity: group(own) })}>
          ◆
        </span>
      )}{' '}
      {group(level.quantity)}
    </td>,
    <td key="price" className="number live price">
      {format(decimal(level.price), digits)}
    </td>,
  ];
  return (
    <tr data-price={level.price} data-own={own !== undefined || undefined} style={{ backgroundSize: `${share * 100}% 100%` }}>
      {ordered(side, cells)}
    </tr>
  );
});
