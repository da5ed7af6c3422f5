// Exact candles of trades: prices and volumes stay decimal strings.
import { TradeStatus } from '../../../gen/todoku/v1/types_pb';
import { add, compare, decimal, format } from '../../../shared/decimal';
import type { Print } from '../market/slice';

/** The length of a candle, ms, by the key of its text. */
export const intervals = { '1s': 1_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000, '1d': 86_400_000 } as const;

export type Interval = keyof typeof intervals;

export interface Candle {
  /** ms since the epoch, a multiple of the interval in UTC. */
  start: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
}

const higher = (a: string, b: string): string => (compare(decimal(a), decimal(b)) >= 0 ? a : b);
const lower = (a: string, b: string): string => (compare(decimal(a), decimal(b)) <= 0 ? a : b);
const sum = (a: string, b: string): string => format(add(decimal(a), decimal(b)));

/** Candles of trades, oldest first. Busted trades are left out. */
export function fold(trades: readonly Print[], interval: Interval): Candle[] {
  const candles: Candle[] = [];
  for (const trade of trades) put(candles, trade, interval);
  return candles;
}

/** The candles with one more trade, newer than all others. Candles before the last stay the same objects. */
export function extended(candles: readonly Candle[], trade: Print, interval: Interval): Candle[] {
  const more = [...candles];
  put(more, trade, interval);
  return more;
}

function put(candles: Candle[], { price, quantity, status, time = 0 }: Print, interval: Interval): void {
  if (status === TradeStatus.BUSTED) return;
  const start = time - (time % intervals[interval]);
  const last = candles.at(-1);
  if (last && last.start >= start)
    candles[candles.length - 1] = { ...last, high: higher(last.high, price), low: lower(last.low, price), close: price, volume: sum(last.volume, quantity) };
  else candles.push({ start, open: price, high: price, low: price, close: price, volume: quantity });
}

/** A summary of the candles in figures; undefined if there are none. */
export function summary(candles: readonly Candle[]): { last: string; high: string; low: string; volume: string; since: number } | undefined {
  const [first] = candles;
  if (!first) return undefined;
  let { high, low, volume } = first;
  for (const candle of candles.slice(1)) {
    high = higher(high, candle.high);
    low = lower(low, candle.low);
    volume = sum(volume, candle.volume);
  }
  return { last: candles.at(-1)!.close, high, low, volume, since: first.start };
}
