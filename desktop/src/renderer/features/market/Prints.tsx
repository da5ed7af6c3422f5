// The trade prints of an instrument, newest first.
import { memo } from 'react';
import { Side, TradeStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { Time } from '../../ui/Time';
import { Age } from './Age';
import './market.css';
import { type Print, priceDigits } from './slice';

/** How many prints are shown; the chart covers a longer time. */
const rows = 100;

const none: Print[] = [];

export function Prints() {
  const t = useT();
  const symbol = useAppSelector((s) => s.selection.symbol);
  const digits = useAppSelector((s) => priceDigits(s.market.instruments[symbol]));
  const prints = useAppSelector((s) => s.market.prints[symbol] ?? none);
  const loaded = useAppSelector((s) => s.market.printsLoaded[symbol]);
  return (
    <section className="prints" aria-label={t('market.printsOf', { symbol })}>
      <header className="panel-bar">
        <strong>{symbol}</strong>
        <Age />
      </header>
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">{t('column.time')}</th>
            <th scope="col" className="number">
              {t('column.price')}
            </th>
            <th scope="col" className="number">
              {t('column.quantity')}
            </th>
            <th scope="col">{t('market.aggressor')}</th>
          </tr>
        </thead>
        <tbody>
          {prints.slice(0, rows).map((print) => (
            <Row key={print.tradeId} print={print} digits={digits} />
          ))}
        </tbody>
      </table>
      {prints.length === 0 && loaded && <p className="nothing">{t('market.noPrints')}</p>}
    </section>
  );
}

const Row = memo(function Row({ print, digits }: { print: Print; digits: number }) {
  const t = useT();
  const busted = print.status === TradeStatus.BUSTED;
  const buy = print.aggressor === Side.BUY;
  const Struck = busted ? 'del' : 'span';
  return (
    <tr data-trade={print.tradeId} data-busted={busted || undefined}>
      <td className="live">
        <Time at={print.time ?? 0} />
      </td>
      <td className="number live" data-side={buy ? 'buy' : 'sell'}>
        <Struck>{format(decimal(print.price), digits)}</Struck>
      </td>
      <td className="number live">
        <Struck>{group(print.quantity)}</Struck>
      </td>
      <td className="live" data-side={buy ? 'buy' : 'sell'}>
        <span aria-hidden="true">{buy ? '▲' : '▼'}</span> {t(buy ? 'side.buy' : 'side.sell')}
        {busted && <span className="busted"> {t('market.busted')}</span>}
      </td>
    </tr>
  );
});
