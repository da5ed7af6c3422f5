// Watches which action a screen dispatches first: what it did and why, independent of time.
import type { Page } from 'playwright-core';

/**
 * Records every action from now on. The returned function waits for an action of one of the
 * given types and returns the type of the first one.
 */
export async function watchActions(page: Page): Promise<(...types: string[]) => Promise<string>> {
  const seen = await page.evaluateHandle(() => {
    const types: string[] = [];
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntriesByName('todoku: dispatch') as PerformanceMark[]) types.push(String(detail));
    }).observe({ entryTypes: ['mark'] });
    return types;
  });
  return async (...types) => {
    const first = await page.waitForFunction(([all, wanted]) => all.find((type) => wanted.includes(type)), [seen, types] as const);
    return String(await first.jsonValue());
  };
}

/** Why a screen is not current: its stream ended, or nothing came for the venue's stale interval. */
export const [lost, silent] = ['feed/lost', 'feed/silent'];
