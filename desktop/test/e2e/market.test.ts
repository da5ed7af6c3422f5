// Market data in both shells: instruments, the book with the user's own orders, trades and busts,
// the chart, and how all of them look while they are not current.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { openScreen, type ShellName, shells, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
const quiet = (shell: ShellName): string => `QUIET.${shell.toUpperCase()}`;
const rules = ['--class', 'FUTURE', '--currency', 'JPY', '--tick', '0.5', '--max-quantity', '1000', '--reference-price', '100', '--name', 'A quiet one'];
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  for (const shell of shells) {
    await venue.todoku('admin', 'instrument', 'add', quiet(shell), ...rules);
    // Trades from before the screen is opened.
    await venue.todoku('bob', 'order', 'place', 'SELL', '10', quiet(shell), '@', '101');
    await venue.todoku('carol', 'order', 'place', 'BUY', '4', quiet(shell), '@', '101');
  }
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const panel = (page: Page, id: string) => page.locator(`[data-panel=${id}]`);

describe.each(shells)('%s', (shell) => {
  test('instruments, depth, trades and chart show the data of the venue', async () => {
    const symbol = quiet(shell);
    const context = await browser.profile({ viewport: { width: 1920, height: 1080 } });
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'carol');
    const instruments = panel(page, 'instruments');
    await instruments.getByRole('rowheader', { name: 'Currencies' }).waitFor();
    await instruments.getByLabel('Search instruments').fill('a QUIET one');
    await instruments.getByRole('rowheader', { name: 'Currencies' }).waitFor({ state: 'detached' });
    const row = instruments.locator(`tr[data-symbol="${symbol}"]`);
    await row.getByRole('button', { name: symbol }).click();
    await row.getByText('+1.00%').waitFor();
    await row.getByText('Long 4').waitFor();

    // A print from before the screen was opened, then one by push.
    const prints = panel(page, 'prints');
    await prints.locator('tbody tr').first().waitFor();
    expect(await prints.locator('tbody tr').count()).toBe(1);
    expect(await prints.locator('tbody time').first().getAttribute('title')).toMatch(/UTC$/);
    await venue.todoku('carol', 'order', 'place', 'BUY', '8', symbol, '@', '101');
    await prints.locator('tbody tr').nth(1).waitFor();
    await prints.locator('tbody tr').first().getByText('▲ Buy').waitFor();

    // Two of carol's eight rest in the book after six filled; her own orders are marked, by shape and text.
    const depth = panel(page, 'depth');
    const bid = depth.getByRole('table', { name: `Bids of ${symbol}` }).locator('tr[data-price="101"]');
    await bid.getByRole('img', { name: 'Your orders here: 2' }).waitFor();
    await venue.todoku('bob', 'order', 'place', 'BUY', '5', symbol, '@', '100');
    await depth.getByRole('table', { name: `Bids of ${symbol}` }).locator('tr[data-price="100"] .total').getByText('7', { exact: true }).waitFor({ state: 'attached' });
    await depth.getByText('one side is empty').waitFor();
    await venue.todoku('bob', 'order', 'place', 'SELL', '5', symbol, '@', '102.5');
    await depth.getByText('Spread 3 ticks').waitFor();

    // A bust strikes out its print and marks it.
    const trade = await prints.locator('tbody tr').first().getAttribute('data-trade');
    await venue.todoku('admin', 'bust', trade!, '--reason', 'for the test');
    const busted = prints.locator(`tr[data-trade="${trade}"]`);
    await busted.getByText('Busted').waitFor();
    expect(await busted.locator('del').count()).toBe(2);

    await venue.todoku('admin', 'instrument', 'halt', symbol, '--reason', 'for the test');
    await row.getByText('Halted').waitFor();
    await depth.getByText('Halted').waitFor();

    await page.locator('.dv-tab', { hasText: 'Chart' }).click();
    const chart = panel(page, 'chart');
    // No candle contains the busted trade of six.
    await chart.locator('.summary').getByText('last 101.0, high 101.0, low 101.0, volume 4').waitFor();
    expect(await chart.getByRole('link', { name: 'Charts by TradingView' }).getAttribute('href')).toBe('https://www.tradingview.com/');
    await chart.locator('canvas').first().waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});

test('every panel that is not current shows its age', async () => {
  const context = await browser.profile({ viewport: { width: 1920, height: 1080 } });
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'alice');
  await panel(page, 'depth').locator('.depth.bid tbody tr').first().waitFor();
  await venue.kill();
  await panel(page, 'depth').getByText(/\d+ s old/).waitFor();
  await panel(page, 'prints').getByText(/\d+ s old/).waitFor();
  await venue.start();
  await page.locator('.desk[data-freshness=fresh]').waitFor();
  // The books arrive again in full.
  await panel(page, 'depth').locator('.depth.bid tbody tr').first().waitFor();
  expect(await panel(page, 'depth').getByText(/\d+ s old/).count()).toBe(0);
  await context.close();
});
