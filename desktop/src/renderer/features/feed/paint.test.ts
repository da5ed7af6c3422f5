// The age of painted messages, and which messages are measured.
import { expect, test } from 'vitest';
import type { Item } from './items';
import { measurePaint, oldest, pushToPaint } from './paint';

const at = (type: Item['type'], time: number): Item => ({ type, sequence: 1, index: 0, time, body: {} }) as unknown as Item;

test('messages that begin a stream or a book are not measured', () => {
  expect(oldest([at('bookUpdate', 30), at('tradePrint', 20), at('heartbeat', 5)])).toBe(20);
  expect(oldest([at('bookBegin', 30), at('bookUpdate', 20)])).toBeUndefined();
  expect(oldest([at('heartbeat', 5), at('bookUpdate', 0)])).toBeUndefined();
});

test('observers receive each measurement, and the timeline keeps none', async () => {
  const observed = new Promise<PerformanceEntry[]>((resolve) => {
    const observer = new PerformanceObserver((list) => {
      observer.disconnect();
      resolve(list.getEntries());
    });
    observer.observe({ entryTypes: ['measure'] });
  });
  const painted = performance.timeOrigin + 1_000;
  measurePaint(painted - 40, painted, 10);
  const seen = await observed;
  expect(seen.map(({ name, duration }) => [name, Math.round(duration)])).toEqual([[pushToPaint, 50]]);
  expect(performance.getEntriesByName(pushToPaint)).toEqual([]);
});
