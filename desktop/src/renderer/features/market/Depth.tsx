// The book of the chosen instrument: bids left, asks right, best in the middle.
import { useAppSelector } from '../../app/hooks';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { type Level, priceDigits } from './slice';

const rows = 20;

export function Depth() {
  const t = useT();
  const symbol = useAppSelector((s) => s.selection.symbol);
  const book = useAppSelector((s) => s.market.books[symbol]);
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  const digits = priceDigits(instrument);
  const side = (levels: Level[] | undefined, name: 'bid' | 'offer') => (
    <table className={`depth ${name}`}>
      <caption>{t(`column.${name}`)}</caption>
      <tbody>
        {levels?.slice(0, rows).map((level) => (
          <tr key={level.price} data-price={level.price}>
            <td className="number live quantity">{group(level.quantity)}</td>
            <td className="number live price">{format(decimal(level.price), digits)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <div className="book" aria-label={symbol}>
      {side(book?.bids, 'bid')}
      {side(book?.offers, 'offer')}
    </div>
  );
}
