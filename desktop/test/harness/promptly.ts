// How soon a screen shows something, and how much of that is the machine's.
import os from 'node:os';
import type { Page } from 'playwright-core';

/** Something on a screen: an element that the selector describes, with the text in it if there is one. */
export interface Sight {
  selector: string;
  text?: string;
}

/** The screen says that what it shows may not be current. */
export const stale: Sight = { selector: '.desk[data-freshness=stale]' };

interface Watch {
  /** The page's time when it was there, ms; 0 before. */
  at: number;
}

/**
 * Begins to look for something that is not on the page yet. The function that is returned
 * waits until it was there, and says how many ms that was after `from`, by the same clock:
 * as the page saw it, for a test runner on a busy machine hears of it later.
 */
export async function watchFor(page: Page, sight: Sight): Promise<(from: number) => Promise<number>> {
  const watch = await page.evaluateHandle(({ selector, text = '' }): Watch => {
    const found: Watch = { at: 0 };
    const look = (): void => {
      if (![...document.querySelectorAll(selector)].some((element) => element.textContent?.includes(text))) return;
      found.at = Date.now();
      observer.disconnect();
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
    if (found.at > 0) throw new Error(`${selector} ${text} is there already`);
    return found;
  }, sight);
  return async (from) => {
    const seen = await page.waitForFunction(({ at }) => at, watch);
    return (await seen.jsonValue()) - from;
  };
}

/**
 * How many times longer than alone on the machine everything takes now; 1 or more. With more
 * at work than there are cores each waits for its turn. The system's figure is of the last
 * minute; how long this process waits for a core now shows what began since, and what a host
 * gives to others, of which its guest knows nothing.
 */
export function crowding(): number {
  const [from, used] = [performance.now(), process.cpuUsage()];
  while (performance.now() - from < 100);
  const { user, system } = process.cpuUsage(used);
  return Math.max(1, os.loadavg()[0]! / os.availableParallelism(), (performance.now() - from) / ((user + system) / 1_000));
}
