// Many tabs of one browser: over HTTP/1.1 they share a few connections, and a waiting tab says
// so; over HTTP/2 there is no such limit. The desktop has one window.
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, launchChromium } from '../harness/browser';
import { openScreen, signIn } from '../harness/shells';
import { passwordOverTLS, TestVenue } from '../harness/venue';

let browser: Chromium;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const fresh = (page: Page) => page.locator('.desk[data-freshness=fresh]').waitFor();

/** Signs in in the first of n tabs; the others resume the session. */
async function tabs(context: BrowserContext, venue: TestVenue, n: number, password?: string): Promise<Page[]> {
  const { page: first } = await openScreen('web', context, venue);
  await signIn(first, 'admin', password);
  const others: Page[] = [];
  while (others.length < n - 1) {
    const { page } = await openScreen('web', context, venue);
    others.push(page);
    await page.locator('.desk').waitFor();
  }
  return [first, ...others];
}

test('over HTTP/1.1 four tabs are live; the fifth shows that it waits and is live when one closes', async () => {
  const venue = await TestVenue.start();
  const context = await browser.profile();
  try {
    const pages = await tabs(context, venue, 5);
    const waiting = pages.pop()!;
    await Promise.all(pages.map(fresh));
    await waiting.getByRole('alert', { name: 'This tab is waiting' }).getByText('Close one of them').waitFor();
    expect(await waiting.getByRole('form', { name: 'Order ticket' }).count()).toBe(0);
    // Calls work while it waits, because two connections are left for them.
    await waiting.reload();
    await waiting.getByRole('alert', { name: 'This tab is waiting' }).waitFor();
    await pages[1]!.close();
    await fresh(waiting);
    expect(await waiting.getByRole('alert', { name: 'This tab is waiting' }).count()).toBe(0);
  } finally {
    await context.close();
    await venue.dispose();
  }
});

test('over HTTP/2 eight tabs are live', async () => {
  const venue = await TestVenue.startTLS();
  const context = await browser.profile();
  try {
    const pages = await tabs(context, venue, 8, passwordOverTLS);
    await Promise.all(pages.map(fresh));
    const protocol = await pages[0]!.evaluate(() => (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).nextHopProtocol);
    expect(protocol).toBe('h2');
    const [cookie] = await context.cookies(`${venue.origin}/todoku.v1.SessionService/RefreshSession`);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', secure: true });
  } finally {
    await context.close();
    await venue.dispose();
  }
});
