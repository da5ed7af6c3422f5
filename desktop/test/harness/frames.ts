// Counts frames of a page, what was dispatched in each, and how old what they showed was,
// by the marks that the product leaves in the browser's own timeline.
import type { CDPSession, Page } from 'playwright-core';

interface Counted {
  frames: number[];
  dispatches: { at: number; type: string }[];
  ages: number[];
  longest: number;
}

export interface Figures {
  perSecond: number;
  /**
   * Most actions between the beginnings of two frames. What came is not kept longer than
   * 250 ms from somebody whose frames do not come: in a frame that takes longer, one for each
   * 250 ms is not counted.
   */
  dispatchesInAFrame: number;
  /** The frame that had most, in words. */
  most: string;
  dispatches: number;
  paints: number;
  /** From the commit of the oldest message in a frame to its paint, ms. */
  p50: number;
  p99: number;
  /** The longest task of the page, ms. */
  longest: number;
}

/** Begins to count. Call before the page loads, or in one that has loaded. */
export async function countFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const counted: Counted = { frames: [], dispatches: [], ages: [], longest: 0 };
    // When the frame's work began, not its timestamp: that may be before the end of the
    // frame before, whose dispatch would then be counted in this one. Asked for in the
    // frame before, it runs before anything else that this one does.
    const frame = (): void => {
      counted.frames.push(performance.now());
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail } = entry as PerformanceMark;
        if (entry.name === 'todoku: dispatch') counted.dispatches.push({ at: entry.startTime, type: String(detail) });
        else if (entry.name === 'todoku: push to paint') counted.ages.push(detail.painted - detail.committed);
        else if (entry.entryType === 'longtask') counted.longest = Math.max(counted.longest, entry.duration);
      }
    }).observe({ entryTypes: ['mark', 'measure', 'longtask'] });
    (window as unknown as { counted: Counted }).counted = counted;
  });
}

/** What was counted since the last call, or the beginning. */
export async function figures(page: Page): Promise<Figures> {
  const { frames, dispatches, ages, longest } = await page.evaluate(() => {
    const { counted } = window as unknown as { counted: Counted };
    const copy = structuredClone(counted);
    Object.assign(counted, { dispatches: [], ages: [], longest: 0 });
    counted.frames.length = 0;
    return copy;
  });
  const inFrame = new Map<number, string[]>();
  let frame = 0;
  for (const { at, type } of dispatches) {
    while (frame + 1 < frames.length && frames[frame + 1]! <= at) frame += 1;
    inFrame.set(frame, [...(inFrame.get(frame) ?? []), type]);
  }
  let most = '';
  let mostCount = 0;
  for (const [at, types] of inFrame) {
    const length = (frames[at + 1] ?? frames[at]!) - frames[at]!;
    const count = types.length - Math.floor(length / 250);
    if (count > mostCount) {
      mostCount = count;
      most = `${types.join(', ')} in a frame of ${length.toFixed(0)} ms, number ${at} of ${frames.length}`;
    }
  }
  const sorted = ages.toSorted((a, b) => a - b);
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  const seconds = (frames.at(-1)! - frames[0]!) / 1000;
  return {
    perSecond: (frames.length - 1) / seconds,
    dispatchesInAFrame: mostCount,
    most,
    dispatches: dispatches.length,
    paints: ages.length,
    p50: quantile(0.5),
    p99: quantile(0.99),
    longest,
  };
}

/** What the page's main thread needed of the machine, and how long it was at it, in seconds since it began. */
export async function mainThread(session: CDPSession): Promise<{ cpu: number; busy: number }> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { cpu: of('ThreadTime'), busy: of('TaskDuration') };
}

/** Bytes that the page's scripts hold, after everything that can be let go was. */
export async function heldBytes(session: CDPSession): Promise<number> {
  for (let n = 0; n < 3; n++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
