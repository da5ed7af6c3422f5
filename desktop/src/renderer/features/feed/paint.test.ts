// How old what is painted is, and of which messages that is asked.
import { expect, test } from 'vitest';
import type { Item } from './items';
import { measurePaint, oldest, pushToPaint } from './paint';

const at = (type: Item['type'], time: number): Item => ({ type, sequence: 1, index: 0, time, body: {} }) as unknown as Item;

test('what opens a stream or a book says nothing about how fast news are painted', () => {
  expect(oldest([at('bookUpdate', 30), at('tradePrint', 20), at('heartbeat', 5)])).toBe(20);
  expect(oldest([at('bookBegin', 30), at('bookUpdate', 20)])).toBeUndefined();
  expect(oldest([at('heartbeat', 5), at('bookUpdate', 0)])).toBeUndefined();
});

test('a measurement is there for observers, and leaves nothing behind', async () => {
  const told = new Promise<PerformanceEntry[]>((tell) => {
    const observer = new PerformanceObserver((list) => {
      observer.disconnect();
      tell(list.getEntries());
    });
    observer.observe({ entryTypes: ['measure'] });
  });
  const painted = performance.timeOrigin + 1_000;
  measurePaint(painted - 40, painted, 10);
  const seen = await told;
  expect(seen.map(({ name, duration }) => [name, Math.round(duration)])).toEqual([[pushToPaint, 50]]);
  expect(performance.getEntriesByName(pushToPaint)).toEqual([]);
});
