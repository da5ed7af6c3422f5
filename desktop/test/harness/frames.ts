// Measures the frames of a page, and how old what they showed was, by the marks that the
// product leaves in the browser's own timeline.
import type { CDPSession, Page } from 'playwright-core';

interface Counted {
  frames: number[];
  dispatches: number;
  ages: number[];
  longest: number;
}

export interface Figures {
  /** Frames. */
  perSecond: number;
  dispatches: number;
  /** Frames that showed new data. */
  paints: number;
  /** From the commit of the oldest message in a frame to its paint, ms. */
  p50: number;
  p99: number;
  /** The longest task of the page, ms. */
  longest: number;
}

/** Begins to count in a page that has loaded. */
export async function countFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const counted: Counted = { frames: [], dispatches: 0, ages: [], longest: 0 };
    const frame = (): void => {
      counted.frames.push(performance.now());
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail } = entry as PerformanceMark;
        if (entry.name === 'todoku: dispatch') counted.dispatches += 1;
        else if (entry.name === 'todoku: push to paint') counted.ages.push(detail.painted - detail.committed);
        else if (entry.entryType === 'longtask') counted.longest = Math.max(counted.longest, entry.duration);
      }
    }).observe({ entryTypes: ['mark', 'measure', 'longtask'] });
    (window as unknown as { counted: Counted }).counted = counted;
  });
}

/** The figures since the last call, or since countFrames. */
export async function figures(page: Page): Promise<Figures> {
  const { frames, dispatches, ages, longest } = await page.evaluate(() => {
    const { counted } = window as unknown as { counted: Counted };
    const copy = structuredClone(counted);
    Object.assign(counted, { frames: [], dispatches: 0, ages: [], longest: 0 });
    return copy;
  });
  const sorted = ages.toSorted((a, b) => a - b);
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return {
    perSecond: (1_000 * (frames.length - 1)) / (frames.at(-1)! - frames[0]!),
    dispatches,
    paints: ages.length,
    p50: quantile(0.5),
    p99: quantile(0.99),
    longest,
  };
}

/** CPU time and busy time of the page's main thread, in seconds since it began. */
export async function mainThread(session: CDPSession): Promise<{ cpu: number; busy: number }> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { cpu: of('ThreadTime'), busy: of('TaskDuration') };
}

/** Bytes that the page's scripts hold after garbage collection. */
export async function heldBytes(session: CDPSession): Promise<number> {
  for (let n = 0; n < 3; n++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
