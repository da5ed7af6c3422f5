// Every instrument with its best prices; choosing one shows it in the other panels.
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { decimal, format } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { selection } from './selection';
import { priceDigits } from './slice';

export function Instruments() {
  const t = useT();
  const dispatch = useAppDispatch();
  const { instruments, quotes } = useAppSelector((s) => s.market);
  const chosen = useAppSelector((s) => s.selection.symbol);
  return (
    <table className="grid">
      <thead>
        <tr>
          <th>{t('column.symbol')}</th>
          <th className="number">{t('column.bid')}</th>
          <th className="number">{t('column.offer')}</th>
          <th className="number">{t('column.last')}</th>
        </tr>
      </thead>
      <tbody>
        {Object.values(instruments).map((instrument) => {
          const quote = quotes[instrument.symbol];
          const digits = priceDigits(instrument);
          const price = (text: string | undefined): string => (text ? format(decimal(text), digits) : '–');
          return (
            <tr key={instrument.symbol} aria-selected={instrument.symbol === chosen} onClick={() => dispatch(selection.chosen(instrument.symbol))}>
              <th scope="row">{instrument.symbol}</th>
              <td className="number live">{price(quote?.bid?.price)}</td>
              <td className="number live">{price(quote?.offer?.price)}</td>
              <td className="number live" data-direction={quote?.direction}>
                {price(quote?.last)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
