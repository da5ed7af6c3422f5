// Candles and volume of the chosen instrument, and a text with the same figures.
import { useMemo } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { decimal, format, group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import { useFormats } from '../../i18n/format';
import { Age } from '../market/Age';
import { priceDigits } from '../market/slice';
import { type Interval, intervals, summary } from './candles';
import { Canvas } from './Canvas';
import './chart.css';
import { chart } from './slice';

export default function ChartView() {
  const t = useT();
  const dispatch = useAppDispatch();
  const symbol = useAppSelector((s) => s.selection.symbol);
  const instrument = useAppSelector((s) => s.market.instruments[symbol]);
  const { candles, interval, loaded, problem } = useAppSelector((s) => s.chart);
  const formats = useFormats();
  const figures = useMemo(() => summary(candles), [candles]);
  if (!instrument) return null;
  const digits = priceDigits(instrument);
  const price = (text: string): string => format(decimal(text), digits);
  const words = figures
    ? t('chart.summary', {
        symbol,
        interval: t(`chart.interval.${interval}`),
        last: price(figures.last),
        high: price(figures.high),
        low: price(figures.low),
        volume: group(figures.volume),
        n: candles.length,
        since: formats.dateTime(figures.since),
      })
    : t(loaded ? 'chart.none' : 'chart.loading');
  return (
    <section className="chart" aria-label={t('chart.of', { symbol })}>
      <header className="panel-bar">
        <strong>{symbol}</strong>
        <label>
          {t('chart.interval')}{' '}
          <select value={interval} onChange={(event) => dispatch(chart.choseInterval(event.target.value as Interval))}>
            {(Object.keys(intervals) as Interval[]).map((name) => (
              <option key={name} value={name}>
                {t(`chart.interval.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <Age />
        {/* The library's licence requires it. The library's logo needs an inline style, which the content security policy forbids. */}
        <a className="attribution" href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">
          {t('chart.attribution')}
        </a>
      </header>
      <p className="summary live">{words}</p>
      {problem && <p className="problem">{t('chart.failed', { text: problem.text })}</p>}
      <Canvas candles={candles} digits={digits} label={words} seconds={interval === '1s'} />
    </section>
  );
}
