// When what was pushed is on the screen, and how old it is then.
import type { Item } from './items';

/** The name under which a browser's profiler, or an observer, finds the measurements. */
export const pushToPaint = 'todoku: push to paint';

let afterFrame: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/**
 * Calls back once the frame that is being made has been painted. Only from inside an
 * animation frame: a message to oneself is taken after the browser has drawn.
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

/** Types that describe the beginning of a stream or of a book, whose news may be old. */
const beginnings = new Set<Item['type']>(['hello', 'snapshotBegin', 'snapshotEnd', 'reset', 'bookBegin']);

/** When the oldest of some live messages was committed, server clock in ms; undefined where none of them tells. */
export function oldest(items: readonly Item[]): number | undefined {
  let time = Infinity;
  for (const item of items) {
    if (beginnings.has(item.type)) return undefined;
    if (item.type !== 'heartbeat' && item.time > 0 && item.time < time) time = item.time;
  }
  return time === Infinity ? undefined : time;
}

/**
 * Measures from the commit to the paint, in the browser's own timeline. The entry is
 * cleared at once, so that nothing gathers: observers and profilers have it by then.
 */
export function measurePaint(committed: number, painted: number, clockOffset: number): void {
  const end = painted - performance.timeOrigin;
  const start = Math.min(end, Math.max(0, committed - clockOffset - performance.timeOrigin));
  performance.measure(pushToPaint, { start, end, detail: { committed, painted } });
  performance.clearMeasures(pushToPaint);
}
