// The connection in both shells: the screen is current or shows that it is not, and after every
// interruption it has everything that the venue has, once.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lost, silent, watchActions } from '../harness/actions';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { Path } from '../harness/path';
import { connectionOf, freshnessSeen, memoryTokens, openScreen, shells, signIn, watchFreshness, windowed } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let path: Path;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  path = await Path.to(venue);
  // Nobody else trades it: its orders are those of the tests.
  await venue.todoku('admin', 'instrument', 'add', symbol, '--class', 'FX', '--currency', 'JPY', '--tick', '0.001', '--max-quantity', '10000000', '--reference-price', '164', '--band', '200');
});
afterAll(async () => {
  await browser?.close();
  await path?.close();
  await venue?.dispose();
});

const symbol = 'QUIET.LINE';
const desk = (page: Page, freshness: string) => page.locator(`.desk[data-freshness=${freshness}]`).waitFor();
const place = (side: string, price: string) => venue.todoku('alice', 'order', 'place', side, '100', symbol, '@', price);

/** Waits until the working orders on the screen are those that the venue lists, each once. */
async function sameOrders(page: Page): Promise<void> {
  const listed = async (): Promise<string[]> => (await venue.list<{ order_id: string }>('alice', 'order', 'list', '--symbol', symbol)).map((order) => order.order_id).toSorted();
  const rows = page.locator('[data-panel=orders] [data-row]').filter({ hasText: symbol });
  const shown = (): Promise<string[]> => rows.evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset['row'] ?? '').toSorted());
  const wanted = await listed();
  await expect.poll(shown, { interval: 100 }).toEqual(wanted);
}

/** The ticket is disabled and shows why. */
async function cannotTrade(page: Page): Promise<void> {
  const ticket = page.getByRole('form', { name: 'Order ticket' });
  await expect.poll(() => ticket.locator('button.send').isDisabled()).toBe(true);
  await ticket.getByRole('status').filter({ hasText: /\S/ }).first().waitFor();
}

async function replayed(page: Page, atLeast: number): Promise<void> {
  const words = page.locator('.feed-status').getByText(/Resumed, \d+ messages? replayed/);
  await words.waitFor();
  expect(Number(/\d+/.exec((await words.textContent()) ?? '')?.[0])).toBeGreaterThanOrEqual(atLeast);
}

/** Errors that a browser logs by itself when a connection breaks. */
const brokenLine = /net::ERR|Failed to load resource/;

describe.each(shells)('%s', (shell) => {
  test('a killed venue greys the screen at once; after its restart the screen is live, no order missing or doubled', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page, brokenLine);
    await signIn(page, 'alice');
    await place('BUY', '163.9');
    await sameOrders(page);
    const first = await watchActions(page);
    await venue.kill();
    expect(await first(lost, silent)).toBe(lost);
    await desk(page, 'stale');
    await cannotTrade(page);
    await page.locator('.feed-status').getByText(/As of .*, \d+ s ago/).waitFor();
    expect(await page.locator('.live').first().evaluate((cell) => Number(getComputedStyle(cell).opacity))).toBeLessThan(1);
    await venue.start();
    await Promise.all([place('BUY', '163.8'), place('SELL', '164.2')]);
    await desk(page, 'fresh');
    await page.locator('.feed-status').getByText(/Resumed, \d+ messages? replayed/).waitFor();
    await sameOrders(page);
    await venue.todoku('alice', 'order', 'cancel-all');
    await sameOrders(page);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('a broken connection is detected before any silence, and a restored network is used at once', async () => {
    const context = await browser.profile();
    const { page, nudge } = await openScreen(shell, context, venue, { through: path });
    await signIn(page, 'alice');
    const first = await watchActions(page);
    path.stall();
    path.cut();
    expect(await first(lost, silent)).toBe(lost);
    await desk(page, 'stale');
    path.mend();
    path.cut();
    // The machine reports a network, which ends any wait.
    nudge('online');
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await desk(page, 'fresh');
    // After a sleep the old stream is not trusted.
    const attaches = page.locator('.feed-status .replayed');
    await attaches.waitFor();
    if (shell === 'web') await page.evaluate(() => document.dispatchEvent(new Event('resume')));
    else nudge('resume');
    await desk(page, 'stale');
    await desk(page, 'fresh');
    await context.close();
  });
});

/** Opens the screen as alice in every shell at once, to wait for slow changes together. */
async function everywhere(through?: Path): Promise<{ pages: Page[]; close: () => Promise<void> }> {
  const contexts = await Promise.all(shells.map(() => browser.profile()));
  const screens = await Promise.all(shells.map((shell, n) => openScreen(shell, contexts[n]!, venue, through ? { through } : {})));
  const pages = screens.map(({ page }) => page);
  await Promise.all(pages.map((page) => signIn(page, 'alice')));
  return { pages, close: async () => void (await Promise.all(contexts.map((context) => context.close()))) };
}
const all = (pages: Page[], act: (page: Page) => Promise<void>) => Promise.all(pages.map(act));

describe('in every shell', () => {
  test('a frozen venue makes the screen stale before it closes the stream; then the screen continues without loss', async () => {
    const { pages, close } = await everywhere();
    const firsts = await Promise.all(pages.map(watchActions));
    venue.freeze();
    try {
      for (const first of firsts) expect(await first(lost, silent)).toBe(silent);
      await all(pages, (page) => desk(page, 'stale'));
      await all(pages, (page) => page.locator('.feed-status').getByText(/Stale for \d+ s/).waitFor());
      await all(pages, cannotTrade);
    } finally {
      venue.thaw();
    }
    await all(pages, (page) => desk(page, 'fresh'));
    await place('BUY', '163.7');
    await all(pages, sameOrders);
    await venue.todoku('alice', 'order', 'cancel-all');
    await close();
  });

  test('a stalled network makes the screen stale before it closes the stream; missed events are replayed once', async () => {
    const { pages, close } = await everywhere(path);
    await place('SELL', '164.3');
    await all(pages, sameOrders);
    const firsts = await Promise.all(pages.map(watchActions));
    path.stall();
    try {
      await Promise.all([place('BUY', '163.6'), place('BUY', '163.5'), venue.todoku('alice', 'order', 'cancel-all', '--side', 'SELL')]);
      for (const first of firsts) expect(await first(lost, silent)).toBe(silent);
      await all(pages, (page) => desk(page, 'stale'));
      await all(pages, cannotTrade);
    } finally {
      path.mend();
      path.cut();
    }
    await all(pages, (page) => desk(page, 'fresh'));
    await all(pages, (page) => replayed(page, 3));
    await all(pages, sameOrders);
    await venue.todoku('alice', 'order', 'cancel-all');
    await close();
  });
});

describe.each(windowed)('%s', (shell) => {
  test('a page that was frozen does not show its old data as current', async () => {
    const context = await browser.profile();
    const { page, nudge } = await openScreen(shell, context, venue);
    await signIn(page, 'alice');
    await watchFreshness(page);
    // No script of the page runs, as in a frozen tab or on a sleeping machine; messages wait.
    const debug = await context.newCDPSession(page);
    await debug.send('Debugger.enable');
    const asleep = new Promise((paused) => debug.once('Debugger.paused', paused));
    await debug.send('Debugger.pause');
    await asleep;
    await Promise.all([place('BUY', '163.4'), place('BUY', '163.3')]);
    await debug.send('Debugger.disable');
    if (shell === 'web') await page.evaluate(() => document.dispatchEvent(new Event('resume')));
    else nudge('resume');
    await expect.poll(() => freshnessSeen(page)).toContain('stale');
    await desk(page, 'fresh');
    await sameOrders(page);
    await venue.todoku('alice', 'order', 'cancel-all');
    await context.close();
  });

  test('a window on the same connection takes the stream over; the first window shows it and can take the stream back', async () => {
    const context = await browser.profile();
    const tokens = memoryTokens();
    const first = await openScreen(shell, context, venue, { tokens });
    await signIn(first.page, 'alice');
    const connection = await connectionOf(first.page);
    // Each window refreshes its own tokens, so they must live longer than the test.
    const second = await openScreen(shell, context, venue, { tokens, connection });
    await desk(second.page, 'fresh');
    expect(await connectionOf(second.page)).toBe(connection);
    const notice = first.page.getByRole('alert', { name: 'Another window took over' });
    await notice.waitFor();
    expect(await first.page.locator('.desk').getAttribute('data-freshness')).toBe('stale');
    await notice.getByRole('button', { name: 'Take over here' }).click();
    await desk(first.page, 'fresh');
    await first.page.locator('.feed-status').getByText(/Resumed, \d+ messages? replayed/).waitFor();
    await second.page.getByRole('alert', { name: 'Another window took over' }).waitFor();
    expect(await notice.count()).toBe(0);
    await context.close();
  });

  test('a hidden tab follows the stream without frames', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'alice');
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      window.requestAnimationFrame = () => 0;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await place('BUY', '163.2');
    await sameOrders(page);
    await venue.todoku('alice', 'order', 'cancel-all');
    await sameOrders(page);
    await context.close();
  });
});

test('a stream that the server asks to reconnect does so without becoming stale, and loses nothing', async () => {
  const aging = await TestVenue.start('--heartbeat', '1s', '--stream-age', '2s');
  const contexts = await Promise.all(windowed.map(() => browser.profile()));
  try {
    const screens = await Promise.all(windowed.map((shell, n) => openScreen(shell, contexts[n]!, aging)));
    await Promise.all(
      screens.map(async ({ page, calls }) => {
        await signIn(page, 'bob');
        await watchFreshness(page);
        const attaches = (): number => calls.filter((name) => name === 'FeedNotification').length;
        await expect.poll(attaches, { interval: 100 }).toBeGreaterThanOrEqual(3);
        await aging.todoku('bob', 'order', 'place', 'BUY', '1', 'USDJPY', '@', '150');
        const [order] = await aging.list<{ order_id: string }>('bob', 'order', 'list', '--symbol', 'USDJPY');
        await page.locator(`[data-panel=orders] [data-row="${order!.order_id}"]`).first().waitFor();
        expect(await freshnessSeen(page)).toEqual([]);
      }),
    );
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
    await aging.dispose();
  }
});
