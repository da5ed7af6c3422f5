// Measures when pushed messages are on the screen, and how old they are then.
import type { Item } from './items';

/** The name of the measurements, for profilers and performance observers. */
export const pushToPaint = 'todoku: push to paint';

let afterFrame: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/**
 * Calls back once the present frame has been painted. Call it only inside an animation frame:
 * the browser delivers a message to the page itself after it has painted.
 */
export function afterPaint(callback: () => void): void {
  if (!afterFrame) {
    afterFrame = new MessageChannel();
    afterFrame.port1.addEventListener('message', () => {
      for (const call of waiting.splice(0)) call();
    });
    afterFrame.port1.start();
  }
  waiting.push(callback);
  afterFrame.port2.postMessage(undefined);
}

/** Types that begin a stream or a book; what they carry may be old. */
const beginnings = new Set<Item['type']>(['hello', 'snapshotBegin', 'snapshotEnd', 'reset', 'bookBegin']);

/** When the oldest of some live messages was committed, server clock in ms; undefined if unknown. */
export function oldest(items: readonly Item[]): number | undefined {
  let time = Infinity;
  for (const item of items) {
    if (beginnings.has(item.type)) return undefined;
    if (item.type !== 'heartbeat' && item.time > 0 && item.time < time) time = item.time;
  }
  return time === Infinity ? undefined : time;
}

/**
 * Measures from the commit to the paint, in the browser's timeline. The entry is cleared at
 * once, so that it takes no memory; observers and profilers have received it by then.
 */
export function measurePaint(committed: number, painted: number, clockOffset: number): void {
  const end = painted - performance.timeOrigin;
  const start = Math.min(end, Math.max(0, committed - clockOffset - performance.timeOrigin));
  performance.measure(pushToPaint, { start, end, detail: { committed, painted } });
  performance.clearMeasures(pushToPaint);
}
