// Trading in both shells: orders rest, are shown, change, end and fill, and both sides of a trade
// are notified by push.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { openScreen, type ShellName, shells, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  // Instruments that only this test trades.
  for (const shell of shells) await venue.todoku('admin', 'instrument', 'add', quiet(shell), ...rules);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const rules = ['--class', 'FX', '--currency', 'JPY', '--tick', '0.001', '--max-quantity', '10000000', '--reference-price', '164', '--band', '200'];
const quiet = (shell: ShellName): string => `QUIET.${shell.toUpperCase()}`;

async function desk(shell: ShellName, user: string) {
  const context = await browser.profile();
  const { page } = await openScreen(shell, context, venue);
  const errors = complaints(page);
  await signIn(page, user);
  return { page, errors, close: () => context.close() };
}

const ticket = (page: Page) => page.getByRole('form', { name: 'Order ticket' });

async function choose(page: Page, symbol: string): Promise<void> {
  await page.locator('[data-panel=instruments]').getByRole('rowheader', { name: symbol, exact: true }).click();
  await ticket(page).locator('.head strong', { hasText: symbol }).waitFor();
}

async function fill(page: Page, side: 'Buy' | 'Sell', price: string, quantity: string): Promise<void> {
  const form = ticket(page);
  await form.getByRole('radio', { name: side }).check();
  await form.getByLabel('Price', { exact: true }).fill(price);
  await form.getByLabel('Quantity', { exact: true }).fill(quantity);
}

const send = (page: Page) => ticket(page).getByRole('button', { name: /^(Buy|Sell) \S+ \S+/ }).click();
const last = (page: Page, state: string) => page.locator(`.outcome[data-state=${state}]`);

// The orders of one test must not be in the books of the next.
afterEach(async () => {
  await Promise.all(['alice', 'bob', 'carol'].map((user) => venue.todoku(user, 'order', 'cancel-all')));
});

describe.each(shells)('%s', (shell) => {
  test('an order rests in the book, invalid ones are refused, and two users trade', async () => {
    const [alice, bob] = await Promise.all([desk(shell, 'alice'), desk(shell, 'bob')]);
    await Promise.all([choose(alice.page, quiet(shell)), choose(bob.page, quiet(shell))]);
    await fill(alice.page, 'Sell', '164.0005', '300');
    await ticket(alice.page).getByText('A multiple of the tick 0.001.').waitFor();
    await fill(alice.page, 'Sell', '164', '300');
    await ticket(alice.page).getByText('49,200 JPY').waitFor();
    await send(alice.page);
    await last(alice.page, 'works').waitFor();
    await alice.page.locator('[data-panel=orders]').getByRole('gridcell', { name: quiet(shell) }).first().waitFor();
    // Bob's post-only order would trade: the venue refuses it, and the field shows the reason.
    await bob.page.locator('.depth.offer').getByText('164.000').waitFor();
    await fill(bob.page, 'Buy', '164', '100');
    await ticket(bob.page).getByLabel('Post-only').check();
    await send(bob.page);
    await last(bob.page, 'refused').getByText('choose a passive price').waitFor();
    await ticket(bob.page).locator('.problem', { hasText: 'would have traded at once' }).waitFor();
    // A price outside the band is refused before the order is sent.
    await fill(bob.page, 'Buy', '200', '100');
    await ticket(bob.page).getByText('Too far from the reference price 164.').waitFor();
    await fill(bob.page, 'Buy', '164', '100');
    await ticket(bob.page).getByLabel('Post-only').uncheck();
    await send(bob.page);
    await last(bob.page, 'filled').waitFor();
    await last(alice.page, 'works').getByText('200 open, 100 filled').waitFor();
    expect([...alice.errors, ...bob.errors]).toEqual([]);
    await Promise.all([alice.close(), bob.close()]);
  });

  test('the ladder places, moves and cancels, one order and all', async () => {
    const { page, errors, close } = await desk(shell, 'carol');
    await choose(page, quiet(shell));
    await ticket(page).getByLabel('Quantity', { exact: true }).fill('700');
    const ladder = page.locator('[data-panel=ladder]');
    const rung = (price: string) => ladder.getByRole('row').filter({ has: page.getByText(price, { exact: true }) });
    await rung('163.995').locator('.bid').click();
    await rung('163.995').locator('.own.buy', { hasText: '700' }).waitFor();
    await rung('163.995').locator('.bid', { hasText: '700' }).waitFor();
    // Drag it down by one.
    await rung('163.995').locator('.own.buy').hover();
    await page.mouse.down();
    await rung('163.994').locator('.own.buy').hover();
    await page.mouse.up();
    await rung('163.994').locator('.own.buy', { hasText: '700' }).waitFor();
    expect(await rung('163.995').locator('.own.buy').textContent()).toBe('');
    // A click on it cancels it.
    await rung('163.994').locator('.own.buy').click();
    await rung('163.994').locator('.own.buy[data-act]').waitFor({ state: 'detached' });
    // The book may follow a moment later, and the ladder is centred on it.
    await rung('163.994').locator('.bid:empty').waitFor({ state: 'attached' });
    // By keyboard: place at the cursor, pick up, move, drop.
    await ladder.getByRole('grid').focus();
    await page.keyboard.press('c');
    await page.keyboard.press('ArrowDown');
    const at = ladder.locator('[role=row][aria-selected=true]');
    await page.keyboard.press('b');
    await at.locator('.own.buy', { hasText: '700' }).waitFor();
    await page.keyboard.press('m');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await at.locator('.own.buy', { hasText: '700' }).waitFor();
    // Cancel one side, then all.
    await rung('164.004').locator('.offer').click();
    await rung('164.004').locator('.own.sell', { hasText: '700' }).waitFor();
    await ladder.getByRole('button', { name: 'Cancel buys' }).click();
    await ladder.locator('[data-act=ownBuy]').waitFor({ state: 'detached' });
    expect(await ladder.locator('[data-act=ownSell]').count()).toBe(1);
    await ladder.getByRole('button', { name: 'Cancel all' }).click();
    await ladder.locator('[data-act=ownSell]').waitFor({ state: 'detached' });
    expect(errors).toEqual([]);
    await close();
  });

  test('the keyboard alone is enough from sign-in to a fill', async () => {
    const symbol = quiet(shell);
    const [context] = await Promise.all([browser.profile(), venue.todoku('bob', 'order', 'place', 'SELL', '40', symbol, '@', '163.5')]);
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    const keys = page.keyboard;
    await page.locator('input[name=user]:focus').waitFor();
    await keys.type('alice');
    await keys.press('Tab');
    await keys.type('demo');
    await keys.press('Enter');
    await page.locator('.desk[data-freshness=fresh]').waitFor();
    // A key shows all keys.
    await keys.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).getByText('Cancel all working orders').waitFor();
    await keys.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('[data-panel=instruments]').getByRole('rowheader', { name: symbol, exact: true }).waitFor();
    const head = ticket(page).locator('.head strong');
    for (let tries = 0; tries < 30 && (await head.textContent()) !== symbol; tries++) await keys.press('n');
    expect(await head.textContent()).toBe(symbol);
    await keys.press('b');
    await page.locator('[name=price]:focus').waitFor();
    await keys.type('163.498');
    await keys.press('ArrowUp');
    await keys.press('ArrowUp');
    await keys.press('q');
    await page.locator('[name=quantity]:focus').waitFor();
    await keys.type('30');
    await keys.press('Enter');
    await last(page, 'filled').waitFor();
    // The key for the side works inside the price field too, and a key cancels the resting order.
    await keys.press('s');
    await page.locator('[name=price]:focus').waitFor();
    await keys.type('166');
    await keys.press('Control+Enter');
    await last(page, 'works').waitFor();
    await keys.press('x');
    await last(page, 'ended').getByText('Canceled on request.').waitFor();
    // Keys move the focus from panel to panel.
    await keys.press('Escape');
    await page.locator('[data-panel=ticket]:focus').waitFor();
    await keys.press('F6');
    await page.locator('[data-panel=ticket]:focus').waitFor({ state: 'detached' });
    await keys.press('Shift+F6');
    await page.locator('[data-panel=ticket]:focus').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});

test('a missing answer is shown as unknown, and an order that is too old is not entered', async () => {
  const screens = await Promise.all(
    shells.map(async (shell) => {
      const { page, close } = await desk(shell, 'carol');
      return { shell, page, close };
    }),
  );
  for (const { page, shell } of screens) {
    await choose(page, quiet(shell));
    await fill(page, 'Buy', '163.1', '10');
  }
  venue.freeze();
  await Promise.all(screens.map(({ page }) => send(page)));
  await Promise.all(screens.map(({ page }) => last(page, 'pending').waitFor()));
  await Promise.all(screens.map(({ page }) => last(page, 'unknown').waitFor()));
  await Promise.all(screens.map(({ page }) => page.locator('.desk[data-freshness=stale]').waitFor()));
  for (const { page } of screens) {
    await ticket(page).getByText('Trading is off until the screen is live.').waitFor();
    expect(await ticket(page).getByRole('button', { name: /^Buy 10/ }).isDisabled()).toBe(true);
  }
  venue.thaw();
  // The order may have arrived before the venue froze. In both cases its outcome is known now.
  for (const { page } of screens) await page.locator('.outcome:is([data-state=works], [data-state=refused])').waitFor();
  for (const { close } of screens) await close();
});
