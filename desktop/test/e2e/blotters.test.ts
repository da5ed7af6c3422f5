// Blotters: rows arrive by push, have actions, are exported exactly, and match
// the venue, also after it was killed.
import { readFile } from 'node:fs/promises';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OrderService } from '../../src/gen/todoku/v1/order_pb';
import { SessionService } from '../../src/gen/todoku/v1/session_pb';
import { OrderStatus, OrderType, Side, TimeInForce } from '../../src/gen/todoku/v1/types_pb';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { alone, openScreen, type ShellName, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

const shells = alone('electron');
let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  // Instruments that nobody else trades, so that their orders stay.
  for (const shell of shells) await venue.todoku('admin', 'instrument', 'add', quiet(shell), ...rules);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const rules = ['--class', 'FX', '--currency', 'JPY', '--tick', '0.001', '--max-quantity', '10000000', '--reference-price', '164', '--band', '200'];
const quiet = (shell: ShellName): string => `ALONE.${shell.toUpperCase()}`;

async function desk(shell: ShellName, user: string) {
  const context = await browser.profile({ viewport: { width: 1920, height: 1080 } });
  const { page } = await openScreen(shell, context, venue);
  const errors = complaints(page, /net::|Failed to load/);
  await signIn(page, user);
  return { page, errors, close: () => context.close() };
}

const blotter = (page: Page, name: string) => page.getByRole('grid', { name, exact: true });
const open = (page: Page, name: string) => page.getByRole('tab', { name, exact: true }).first().click();
const place = (user: string, side: string, quantity: string, symbol: string, price: string) => venue.todoku(user, 'order', 'place', side, quantity, symbol, '@', price, '--tif', 'GTC');
const listed = async (user: string, symbol: string, ...more: string[]): Promise<Record<string, string>[]> =>
  (await venue.todoku(user, 'order', 'list', '--json', '--limit', '0', '--symbol', symbol, ...more))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, string>);

async function place5000(user: string, symbol: string): Promise<void> {
  const transport = createConnectTransport({ baseUrl: venue.origin });
  const { tokens } = await createClient(SessionService, transport).login({ user, password: 'demo', clientName: 'test' });
  const headers = { authorization: `Bearer ${tokens?.accessToken}` };
  for (let batch = 0; batch < 5; batch++) {
    const placed = await createClient(OrderService, transport).placeOrders(
      {
        orders: Array.from({ length: 1_000 }, (_one, n) => ({
          clientOrderId: `many-${batch}-${n}-${symbol}`,
          symbol,
          side: Side.BUY,
          type: OrderType.LIMIT,
          timeInForce: TimeInForce.GTC,
          price: `162.${String(n % 900).padStart(3, '0')}`,
          quantity: '100',
        })),
      },
      { headers },
    );
    expect(placed.answers.filter(({ status }) => status !== OrderStatus.NEW)).toEqual([]);
  }
}

describe.each(shells)('%s', (shell) => {
  const symbol = quiet(shell);

  test('orders arrive by push and are amended, cancelled and exported in the blotter', async () => {
    const { page, errors, close } = await desk(shell, 'alice');
    const orders = blotter(page, 'Working orders');
    await orders.waitFor();
    await place('alice', 'BUY', '100', symbol, '163.9');
    await place('alice', 'BUY', '200', symbol, '163.8');
    await place('alice', 'SELL', '300', symbol, '164.25');
    const row = (text: string) => orders.getByRole('row').filter({ hasText: symbol }).filter({ hasText: text });
    await row('163.900').waitFor();
    await row('164.250').waitFor();

    // By button.
    await row('163.900').getByRole('button', { name: /^Amend order/ }).click();
    const dialog = page.getByRole('dialog', { name: /^Amend order/ });
    await dialog.getByLabel('Price', { exact: true }).fill('163.95');
    await dialog.getByRole('button', { name: /^Send|^Amend/ }).click();
    await row('163.950').waitFor();
    // By keyboard: search, choose, Enter to amend, Delete to cancel.
    const tools = page.locator('[data-panel=orders] .tools');
    await tools.getByLabel('Search').fill(`${symbol} 163.8`);
    await row('163.950').waitFor({ state: 'detached' });
    await orders.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await orders.focus();
    await page.keyboard.press('Delete');
    await row('163.800').waitFor({ state: 'detached' });

    await tools.getByLabel('Search').fill('');
    await tools.getByRole('combobox', { name: 'Symbol' }).selectOption(symbol);
    await tools.getByRole('combobox', { name: 'Side' }).selectOption('Sell');
    await row('163.950').waitFor({ state: 'detached' });
    await tools.getByRole('combobox', { name: 'Side' }).selectOption('Both sides');
    await row('163.950').waitFor();
    await orders.getByRole('button', { name: 'Price' }).click();
    await orders.locator('[role=columnheader][aria-sort=ascending]').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), tools.getByRole('button', { name: 'CSV' }).click()]);
    const csv = await readFile(await download.path(), 'utf8');
    const lines = csv.split('\r\n').filter(Boolean);
    expect(csv.startsWith('\ufeff"Symbol","Side","Price","Quantity",')).toBe(true);
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 6))).toEqual([
      [`"${symbol}"`, '"Buy"', '163.95', '100', '0', '100'],
      [`"${symbol}"`, '"Sell"', '164.25', '300', '0', '300'],
    ]);

    // The activity lists every event, in order.
    await open(page, 'Activity');
    const activity = blotter(page, 'Activity');
    const events = activity.getByRole('row').filter({ hasText: symbol });
    await events.nth(6).waitFor();
    expect(await events.locator('[data-column=what]').allTextContents()).toEqual(['Cancelled', 'Cancel sent', 'Amended', 'Amendment sent', 'Accepted', 'Accepted', 'Accepted']);
    await page.locator('[data-panel=activity]').getByText(/^(That is all|There is more)\./).first().waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  test('cancel-all asks once, and shows the number of cancels that the stream reported', async () => {
    const { page, errors, close } = await desk(shell, 'bob');
    for (const price of ['163.5', '163.4', '163.3']) await place('bob', 'BUY', '100', symbol, price);
    await place('bob', 'SELL', '100', symbol, '165.5');
    await page.locator('[data-panel=instruments]').getByRole('rowheader', { name: symbol, exact: true }).click();
    await open(page, 'Cancel all');
    const panel = page.locator('[data-panel=cancelAll]');
    await panel.getByRole('group', { name: symbol }).getByRole('button', { name: 'Buys (3)' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel all' });
    await dialog.getByText('Working orders to cancel: 3').waitFor();
    await dialog.getByRole('button', { name: 'Cancel these orders' }).click();
    await panel.getByText('3 orders cancelled').waitFor();
    await page.locator('.bar').getByRole('button', { name: /^Cancel all/ }).click();
    await dialog.getByRole('button', { name: 'Cancel these orders' }).click();
    await panel.getByText('1 order cancelled').waitFor();
    expect(await listed('bob', symbol)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });

  test('after the venue was killed and restarted no row is missing or doubled', async () => {
    const { page, close } = await desk(shell, 'carol');
    await place('carol', 'SELL', '500', symbol, '164');
    for (let n = 0; n < 5; n++) await place('carol', 'BUY', '100', symbol, `163.${100 + n}`);
    const orders = blotter(page, 'Working orders');
    await page.locator('[data-panel=orders] .tools').getByLabel('Search').fill(symbol);
    await orders.locator('[data-row]').nth(5).waitFor();
    await venue.kill();
    await page.locator('.desk[data-freshness=stale]').waitFor();
    // The rows are still shown, and their actions are disabled.
    expect(await orders.locator('[data-row]').count()).toBe(6);
    await page.locator('.bar').getByRole('button', { name: /^Cancel all/, disabled: true }).waitFor();
    await orders.getByRole('button', { name: /^Cancel order/, disabled: true }).first().waitFor();
    await venue.start();
    // Events while the screen reconnects.
    await place('bob', 'BUY', '200', symbol, '164');
    await place('carol', 'BUY', '100', symbol, '163.2');
    await page.locator('.desk[data-freshness=fresh]').waitFor();
    await orders.locator('[data-row]').nth(6).waitFor();

    const held = await orders.locator('[data-row]').evaluateAll((rows) =>
      rows.map((row) => ['order', 'leaves'].map((column) => row.querySelector(`[data-column=${column}]`)?.textContent ?? '').join(' ')),
    );
    const venueHas = (await listed('carol', symbol)).map((one) => `${one['order_id']} ${one['leaves_quantity']}`);
    expect(held.toSorted()).toEqual(venueHas.toSorted());

    await open(page, 'Executions');
    await page.locator('[data-panel=executions] .tools').getByLabel('Search').fill(symbol);
    const executions = blotter(page, 'Executions').locator('[data-row]');
    await executions.first().waitFor();
    expect(await executions.locator('[data-column=quantity]').allTextContents()).toEqual(['200']);
    await open(page, 'Positions');
    const position = blotter(page, 'Positions').getByRole('row').filter({ hasText: symbol });
    await position.getByText('-200').waitFor();
    await position.locator('[data-column=average]', { hasText: '164.000' }).waitFor();
    await close();
  });

  test('of five thousand rows only those in view are in the document; all are cancelled together', async () => {
    await place5000('carol', symbol);
    const { page, errors, close } = await desk(shell, 'carol');
    const panel = page.locator('[data-panel=orders]');
    await panel.getByText(/^50\d\d rows$/).waitFor();
    const orders = blotter(page, 'Working orders');
    expect(await orders.locator('[data-row]').count()).toBeLessThan(60);
    for (const part of [0.25, 0.5, 0.75]) {
      const top = await panel.locator('.rows').evaluate((rows, at) => (rows.scrollTop = Math.floor(rows.scrollHeight * at)), part);
      await orders.locator(`[data-row][aria-rowindex="${Math.ceil(top / 24) + 5}"]`).waitFor();
      expect(await orders.locator('[data-row]').count()).toBeLessThan(60);
    }
    await orders.focus();
    await page.keyboard.press('End');
    await orders.locator('[data-row][aria-selected=true]').waitFor();
    await page.locator('.bar').getByRole('button', { name: /^Cancel all/ }).click();
    await page.getByRole('dialog', { name: 'Cancel all' }).getByRole('button', { name: 'Cancel these orders' }).click();
    await page.locator('.bar').getByText(/^50\d\d orders cancelled$/).waitFor();
    await panel.getByText('No working orders.').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  test('a small screen has the same blotters with the same actions', async () => {
    const context = await browser.profile({ viewport: { width: 390, height: 844 } });
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'bob');
    await page.getByRole('tab', { name: 'Working orders' }).click();
    await place('bob', 'BUY', '700', symbol, '163.7');
    const row = blotter(page, 'Working orders').getByRole('row').filter({ hasText: '163.700' });
    await row.getByRole('button', { name: /^Cancel order/ }).click();
    await row.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)).toBe(false);
    expect(errors).toEqual([]);
    await context.close();
  });
});
