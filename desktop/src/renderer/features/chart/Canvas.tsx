// Draws candles. Only here prices become floats, to compute pixels.
import { CandlestickSeries, createChart, HistogramSeries, type IChartApi, type ISeriesApi, TickMarkType, type Time, type UTCTimestamp } from 'lightweight-charts';
import { useEffect, useRef } from 'react';
import { useAppSelector } from '../../app/hooks';
import { formatsOf, locales } from '../../i18n/format';
import type { Language, Palette } from '../settings/slice';
import { type ShownTheme, useTheme } from '../settings/theme';
import type { Candle } from './candles';

interface Drawn {
  chart: IChartApi;
  prices: ISeriesApi<'Candlestick'>;
  volumes: ISeriesApi<'Histogram'>;
  candles: readonly Candle[];
}

export function Canvas({ candles, digits, label, seconds }: { candles: readonly Candle[]; digits: number; label: string; seconds: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>(null);
  const { palette, language } = useAppSelector((s) => s.settings);
  const theme = useTheme();

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const made = createChart(element, { autoSize: true, layout: { attributionLogo: false }, timeScale: { rightOffset: 3 } });
    drawn.current = {
      chart: made,
      prices: made.addSeries(CandlestickSeries),
      volumes: made.addSeries(HistogramSeries, { priceScaleId: '', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false }),
      candles: [],
    };
    drawn.current.volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    return () => {
      drawn.current = null;
      made.remove();
    };
  }, []);

  useEffect(() => {
    const { chart, prices, volumes } = drawn.current ?? {};
    if (!chart || !prices || !volumes) return;
    const { up, down, line, surface, muted, fontFamily } = lookOf(theme, palette);
    chart.applyOptions({
      layout: { background: { color: surface }, textColor: muted, fontFamily },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line, timeVisible: true, secondsVisible: seconds, tickMarkFormatter: tickMarks(language) },
      localization: { locale: language, timeFormatter: whole(language) },
    });
    // Rising candles are hollow and falling ones filled, so that they differ not only by colour.
    prices.applyOptions({
      upColor: surface,
      downColor: down,
      borderUpColor: up,
      borderDownColor: down,
      wickUpColor: up,
      wickDownColor: down,
      priceFormat: { type: 'price', precision: digits, minMove: 10 ** -digits },
    });
    volumes.applyOptions({ color: line });
  }, [theme, palette, language, digits, seconds]);

  useEffect(() => {
    const now = drawn.current;
    if (!now) return;
    const before = now.candles;
    now.candles = candles;
    const last = before.length - 1;
    // If all candles but the last are unchanged, only the last one is drawn again.
    if (last > 0 && candles[0] === before[0] && candles[last - 1] === before[last - 1] && candles[last]?.start === before[last]!.start) {
      for (const candle of candles.slice(last)) {
        now.prices.update(bar(candle));
        now.volumes.update(volume(candle));
      }
      return;
    }
    now.prices.setData(candles.map(bar));
    now.volumes.setData(candles.map(volume));
  }, [candles]);

  return <div ref={place} className="canvas" role="img" aria-label={label} />;
}

const looks = new Map<string, Record<'up' | 'down' | 'line' | 'surface' | 'muted' | 'fontFamily', string>>();

/** Colours and font of the present theme and palette, read from the style sheet. */
function lookOf(theme: ShownTheme, palette: Palette) {
  const key = `${theme} ${palette}`;
  let look = looks.get(key);
  if (!look) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    look = { up: colour('--up'), down: colour('--down'), line: colour('--line'), surface: colour('--surface'), muted: colour('--muted'), fontFamily: getComputedStyle(document.body).fontFamily };
    looks.set(key, look);
  }
  return look;
}

const at = (candle: Candle): UTCTimestamp => (candle.start / 1000) as UTCTimestamp;
const bar = (candle: Candle) => ({ time: at(candle), open: Number(candle.open), high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) });
const volume = (candle: Candle) => ({ time: at(candle), value: Number(candle.volume) });

/** The library knows only UTC; times are shown in the user's zone. */
function whole(language: Language): (time: Time) => string {
  const { dateTime } = formatsOf(language);
  return (time) => dateTime(Number(time) * 1000);
}

function tickMarks(language: Language): (time: Time, type: TickMarkType) => string {
  const of = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => new Intl.DateTimeFormat(locales[language], { hourCycle: 'h23', ...options });
  const formats: Record<TickMarkType, Intl.DateTimeFormat> = {
    [TickMarkType.Year]: of({ year: 'numeric' }),
    [TickMarkType.Month]: of({ month: 'short' }),
    [TickMarkType.DayOfMonth]: of({ month: 'numeric', day: 'numeric' }),
    [TickMarkType.Time]: of({ hour: '2-digit', minute: '2-digit' }),
    [TickMarkType.TimeWithSeconds]: of({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  };
  return (time, type) => formats[type].format(Number(time) * 1000);
}
