// Every instrument with its best prices; choosing one shows it in the other panels.
import { memo, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { decimal, format, group, isZero } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { Direction } from '../../ui/Direction';
import { useFlash } from '../../ui/useFlash';
import { Age } from './Age';
import { percentChange } from './figures';
import './market.css';
import { selection } from './selection';
import { selectAnyAwaited, selectAwaited, selectGroups, selectNetPositions } from './selectors';
import { priceDigits } from './slice';
import { Status } from './Status';

export function Instruments() {
  const t = useT();
  const [words, setWords] = useState('');
  const awaited = useAppSelector(selectAnyAwaited);
  const groups = useAppSelector((s) => selectGroups(s, words));
  return (
    <div className="instruments">
      <input type="search" value={words} placeholder={t('market.search')} aria-label={t('market.search')} onChange={(event) => setWords(event.target.value)} />
      <Age awaited={awaited} />
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">{t('column.symbol')}</th>
            <th scope="col" className="number">
              {t('column.bid')}
            </th>
            <th scope="col" className="number">
              {t('column.offer')}
            </th>
            <th scope="col" className="number">
              {t('column.last')}
            </th>
            <th scope="col" className="number change">
              {t('market.change')}
            </th>
          </tr>
        </thead>
        {groups.map(({ title, symbols }) => (
          <tbody key={title}>
            <tr className="group">
              <th scope="rowgroup" colSpan={5}>
                {t(title)}
              </th>
            </tr>
            {symbols.map((symbol) => (
              <Row key={symbol} symbol={symbol} />
            ))}
          </tbody>
        ))}
      </table>
      {groups.length === 0 && words !== '' && <p className="nothing">{t('market.none')}</p>}
    </div>
  );
}

const Row = memo(function Row({ symbol }: { symbol: string }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  // Selects prices, not the whole quote: its quantities change far more often and are not shown.
  const bid = useAppSelector((s) => s.market.quotes[symbol]?.bid?.price);
  const offer = useAppSelector((s) => s.market.quotes[symbol]?.offer?.price);
  const last = useAppSelector((s) => s.market.quotes[symbol]?.last);
  const direction = useAppSelector((s) => s.market.quotes[symbol]?.direction);
  const awaited = useAppSelector((s) => selectAwaited(s, symbol));
  const chosen = useAppSelector((s) => s.selection.symbol === symbol);
  const position = useAppSelector((s) => selectNetPositions(s)[symbol]);
  const flash = useFlash<HTMLTableCellElement>(last);
  if (!instrument) return null;
  const digits = priceDigits(instrument);
  const price = (text: string | undefined): string => {
    const d = decimal(text ?? '');
    return isZero(d) ? '–' : format(d, digits);
  };
  const change = percentChange(last ?? '', instrument.referencePrice);
  const short = position?.startsWith('-');
  const choose = (): void => {
    dispatch(selection.chosen(symbol));
  };
  return (
    // The button does the same by keyboard.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <tr aria-current={chosen} data-symbol={symbol} data-awaited={awaited || undefined} onClick={choose}>
      <th scope="row" aria-label={symbol}>
        <button type="button" className="symbol" onClick={choose} title={instrument.name}>
          {symbol}
        </button>
        <span className="name">{instrument.name}</span>
        <Status instrument={instrument} quiet />
        {position !== undefined && (
          <span className="position live" data-side={short ? 'short' : 'long'}>
            {t(short ? 'market.short' : 'market.long', { quantity: group(short ? position.slice(1) : position) })}
          </span>
        )}
      </th>
      <td className="number live">{price(bid)}</td>
      <td className="number live">{price(offer)}</td>
      <td ref={flash} className="number live" data-direction={direction}>
        <Direction of={direction} />
        {price(last)}
      </td>
      <td className="number live change" data-direction={change === undefined ? 0 : change.startsWith('+') ? 1 : change.startsWith('-') ? -1 : 0} title={t('market.changeHint', { reference: price(instrument.referencePrice) })}>
        {change ?? '–'}
      </td>
    </tr>
  );
});
