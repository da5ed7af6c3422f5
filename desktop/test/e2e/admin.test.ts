// The admin page: changes appear on other users' screens, and only staff can open
// the page.
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lost, silent, watchActions } from '../harness/actions';
import { violations } from '../harness/axe';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { alone, openScreen, type ShellName, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

const shells = alone('web');
let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  // Instruments that only this test trades.
  for (const shell of shells) await venue.todoku('admin', 'instrument', 'add', quiet(shell), '--class', 'FX', '--currency', 'JPY', '--tick', '0.01', '--max-quantity', '1000000', '--reference-price', '100');
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const quiet = (shell: ShellName): string => `QUIET.${shell.toUpperCase()}`;

/** A folder for screenshots; without it there are none. */
const shots = process.env['SCREENSHOTS'];

async function shoot(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: `${shots}/admin-${name}.png` });
}

interface Window {
  page: Page;
  errors: string[];
  context: BrowserContext;
}

async function open(shell: ShellName, user: string, password = 'demo', viewport = { width: 1280, height: 720 }): Promise<Window> {
  const context = await browser.profile({ viewport });
  const { page } = await openScreen(shell, context, venue);
  // Browsers log refused calls by themselves.
  const errors = complaints(page, /status of 40[013]/);
  await signIn(page, user, password);
  return { page, errors, context };
}

const close = (...windows: Window[]): Promise<unknown> => Promise.all(windows.map(({ context }) => context.close()));

async function admin(page: Page, tab: string): Promise<void> {
  const toAdmin = page.getByRole('button', { name: 'Administration', exact: true });
  if (await toAdmin.isVisible()) await toAdmin.click();
  await page.getByRole('tablist', { name: 'Administration' }).getByRole('tab', { name: tab, exact: true }).click();
}

const row = (page: Page, name: string) => page.locator('.admin').getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
const own = (page: Page) => page.locator('.admin');
const dialog = (page: Page) => page.getByRole('dialog');
const done = (page: Page, what: string) => page.locator('.admin > .ended').getByText(what).waitFor();
const field = (page: Page, name: string) => dialog(page).getByLabel(name, { exact: true });

async function createInstrument(page: Page, symbol: string): Promise<void> {
  await admin(page, 'Instruments');
  await page.getByRole('button', { name: 'New instrument' }).click();
  // Errors are shown at their fields, before a request is sent.
  await field(page, 'Symbol').fill(symbol);
  await field(page, 'Tick size').fill('0.01');
  await field(page, 'Band (1/100 %)').fill('200');
  await dialog(page).getByText('A band needs a reference price.').waitFor();
  await field(page, 'Reference price').fill('100');
  await field(page, 'Largest order').fill('1,000,000');
  await field(page, 'Status').selectOption('Open');
  await dialog(page).getByRole('button', { name: `Create ${symbol}` }).click();
  await dialog(page).getByText('Choose one.').waitFor();
  await field(page, 'Class').selectOption('Share');
  await dialog(page).getByRole('button', { name: `Create ${symbol}` }).click();
  await done(page, `rules of ${symbol}`);
  await row(page, symbol).getByText('Open', { exact: true }).first().waitFor();
}

async function createUser(page: Page, user: string, role: string): Promise<void> {
  await admin(page, 'Users');
  await page.getByRole('button', { name: 'New user' }).click();
  await field(page, 'User').fill(user);
  await field(page, role).check();
  await field(page, 'First password').fill('velvet-compass-38q');
  await field(page, 'Repeat password').fill('another');
  await dialog(page).getByRole('button', { name: `Create ${user}` }).click();
  await dialog(page).getByText('The two passwords differ.').waitFor();
  await field(page, 'Repeat password').fill('velvet-compass-38q');
  await dialog(page).getByRole('button', { name: `Create ${user}` }).click();
  await done(page, `user ${user} created`);
  await row(page, user).getByText(role, { exact: true }).waitFor();
}

describe.each(shells)('%s', (shell) => {
  const symbol = `ADMIN.${shell.toUpperCase()}`;

  test('an instrument is created, halted and changed, and a trader sees it at once', async () => {
    const [staff, alice] = await Promise.all([open(shell, 'admin'), open(shell, 'alice')]);
    await createInstrument(staff.page, symbol);
    const instruments = alice.page.locator('[data-panel=instruments]');
    await instruments.getByRole('rowheader', { name: symbol, exact: true }).click();
    const ticket = alice.page.getByRole('form', { name: 'Order ticket' });
    await ticket.locator('.head strong', { hasText: symbol }).waitFor();
    await row(staff.page, symbol).getByRole('button', { name: 'Halt' }).click();
    await field(staff.page, 'Reason').fill('News pending');
    await dialog(staff.page).getByText('Matching in').waitFor();
    await shoot(staff.page, `${shell}-halt`);
    expect(await violations(staff.page, '[open]')).toEqual([]);
    await staff.page.keyboard.press('Enter');
    await done(staff.page, `${symbol} is Halted`);
    await row(staff.page, symbol).getByText('News pending').waitFor();
    await ticket.getByText('Trading is halted. News pending').waitFor();
    // Only changed rules are sent. The venue decides whether the orders in the book fit them.
    await row(staff.page, symbol).getByRole('button', { name: 'Edit' }).click();
    await dialog(staff.page).getByText('Nothing is changed yet.').waitFor();
    await field(staff.page, 'Tick size').fill('0.05');
    await dialog(staff.page).getByText('Tick size 0.01 → 0.05').waitFor();
    await dialog(staff.page).getByRole('button', { name: 'Change the rules' }).click();
    await done(staff.page, `rules of ${symbol}`);
    // Editing the rules does not undo the halt.
    await row(staff.page, symbol).getByText('Halted', { exact: true }).waitFor();
    await row(staff.page, symbol).getByRole('button', { name: 'Open', exact: true }).click();
    await dialog(staff.page).getByRole('button', { name: `Open ${symbol}` }).click();
    await done(staff.page, `${symbol} is Open`);
    await ticket.getByText('Trading is halted. News pending').waitFor({ state: 'detached' });
    expect([...staff.errors, ...alice.errors]).toEqual([]);
    await close(staff, alice);
  });

  test('a user is created; suspending them ends their screen; lifting the suspension lets them sign in', async () => {
    const user = `temp.${shell}`;
    const staff = await open(shell, 'admin');
    await createUser(staff.page, user, 'Trader');
    const theirs = await open(shell, user, 'velvet-compass-38q');
    await row(staff.page, user).getByText('Online').waitFor();
    await row(staff.page, user).getByRole('button', { name: 'Suspend' }).click();
    await dialog(staff.page).getByText('their working orders are cancelled').waitFor();
    const first = await watchActions(theirs.page);
    await dialog(staff.page).getByRole('button', { name: `Suspend ${user}` }).click();
    expect(await first('session/ended', lost, silent)).toBe('session/ended');
    await theirs.page.locator('input[name=password]').waitFor();
    await done(staff.page, `${user} suspended`);
    await row(staff.page, user).getByText('Suspended').waitFor();
    await row(staff.page, user).getByRole('button', { name: 'Lift suspension' }).click();
    await dialog(staff.page).getByRole('button', { name: `Lift the suspension of ${user}` }).click();
    await row(staff.page, user).getByText('Active').waitFor();
    await signIn(theirs.page, user, 'velvet-compass-38q');
    expect(staff.errors).toEqual([]);
    await close(staff, theirs);
  });

  test('limits, a bust, an announcement and a disconnection are carried out, and the affected users see them', async () => {
    await venue.todoku('admin', 'limits', 'set', 'alice', '--max-order-quantity', '0');
    await venue.todoku('bob', 'order', 'place', 'SELL', '300', quiet(shell), '@', '100');
    await venue.todoku('alice', 'order', 'place', 'BUY', '300', quiet(shell), '@', '100');
    const [staff, alice] = await Promise.all([open(shell, 'admin'), open(shell, 'alice')]);
    const { page } = staff;

    await admin(page, 'Limits');
    await own(page).getByLabel('Account').fill('alice');
    await own(page).getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByRole('button', { name: 'Change limits' }).click();
    await field(page, 'Largest order').fill('-5');
    await dialog(page).getByText('Zero or a positive number').waitFor();
    await field(page, 'Largest order').fill('50');
    await dialog(page).getByText('Largest order no limit → 50').waitFor();
    await dialog(page).getByRole('button', { name: 'Change limits' }).click();
    await done(page, 'limits of account alice');
    await page.locator('.facts dd', { hasText: /^50$/ }).waitFor();
    await alice.page.locator('[data-panel=instruments]').getByRole('rowheader', { name: quiet(shell), exact: true }).click();
    const ticket = alice.page.getByRole('form', { name: 'Order ticket' });
    await ticket.getByLabel('Quantity', { exact: true }).fill('60');
    await ticket.getByText('The account may order at most 50 at once.').waitFor();

    await admin(page, 'Trades');
    await own(page).getByLabel('Instrument').selectOption(quiet(shell));
    await own(page).getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByRole('button', { name: 'Bust', exact: true }).click();
    await field(page, 'Reason').fill('Entered by mistake');
    await dialog(page).getByText('This cannot be undone').waitFor();
    await page.keyboard.press('Enter');
    await own(page).getByText('Busted', { exact: true }).waitFor();
    // The venue refuses to bust the trade a second time.
    const number = await page.locator('.admin [data-trade]').first().getAttribute('data-trade');
    await page.getByRole('button', { name: 'Bust by number…' }).click();
    await field(page, 'Trade number').fill(number!);
    await page.keyboard.press('Enter');
    await dialog(page).getByText('The trade is busted already.').waitFor();
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'detached' });

    await admin(page, 'Announcements');
    await own(page).getByLabel('Announcement', { exact: true }).fill(`Lunch in ${shell}`);
    await own(page).getByLabel('To users').fill('alice, nobody.here');
    await page.getByText('There is no user nobody.here.').waitFor();
    await own(page).getByLabel('To users').fill('alice');
    await page.getByRole('button', { name: 'Announce…' }).click();
    await dialog(page).getByText('cannot be taken back').waitFor();
    await dialog(page).getByRole('button', { name: 'Announce', exact: true }).click();
    await done(page, 'announced');
    await alice.page.getByText(`Administrator: Lunch in ${shell}`).first().waitFor();

    // The audit lists the announcement and its recipients.
    await admin(page, 'Audit');
    await own(page).getByLabel('User', { exact: true }).fill('admin');
    await own(page).getByRole('button', { name: 'Show', exact: true }).click();
    const entry = page.locator('.admin').getByRole('row').filter({ hasText: `Lunch in ${shell}` }).first();
    await entry.getByRole('button', { name: 'Recipients' }).click();
    await dialog(page).getByRole('rowheader', { name: 'alice' }).first().waitFor();
    await shoot(page, `${shell}-recipients`);
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).click();

    await admin(page, 'Connections');
    await own(page).getByLabel('User', { exact: true }).fill('alice');
    await own(page).getByRole('button', { name: 'Show', exact: true }).click();
    const live = page.getByRole('table', { name: /^Live/ });
    await live.getByRole('button', { name: 'Details' }).first().click();
    await dialog(page).getByRole('row', { name: /When sent/ }).waitFor();
    await shoot(page, `${shell}-connection`);
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).click();
    await live.getByRole('button', { name: 'Disconnect' }).first().click();
    await field(page, 'End the session too, so that they must sign in').check();
    await dialog(page).getByRole('button', { name: 'Disconnect alice' }).click();
    await alice.page.getByLabel('Password').waitFor();
    await page.getByRole('table', { name: /^Ended/ }).getByText('The session was ended').or(page.getByText('An administrator ended it')).first().waitFor();
    expect(staff.errors).toEqual([]);
    await close(staff, alice);
  });

  test('a trader has no admin page, and the venue refuses its calls', async () => {
    const alice = await open(shell, 'alice');
    expect(await alice.page.getByRole('button', { name: 'Administration' }).count()).toBe(0);
    const loaded = await alice.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    expect(loaded.filter((name) => name.includes('AdminPage'))).toEqual([]);
    const refusal =
      shell !== 'web'
        ? await alice.page.evaluate(async () => {
            const result = await window.todoku!.unary('/todoku.v1.AdminService/ListAllUsers', new Uint8Array());
            return result.ok ? 'allowed' : new TextDecoder().decode(result.status.details);
          })
        : await alice.page.evaluate(async () => {
            const ask = (method: string, body: object, headers = {}) => fetch(`/todoku.v1.${method}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
            const login = (await (await ask('SessionService/Login', { user: 'alice', password: 'demo' })).json()) as { tokens: { accessToken: string } };
            const answer = await ask('AdminService/ListAllUsers', {}, { authorization: `Bearer ${login.tokens.accessToken}` });
            const refused = (await answer.json()) as { details: { value: string }[] };
            return `${answer.status} ${refused.details.map(({ value }) => atob(value)).join()}`;
          });
    expect(refusal).toContain('NOT_PERMITTED');
    await close(alice);
  });

  test('a user with the role RISK halts, cancels and sets limits, and does not see other actions', async () => {
    const staff = await open(shell, 'admin');
    const user = `risk.${shell}`;
    await createUser(staff.page, user, 'Risk');
    const { page, errors, context } = await open(shell, user, 'velvet-compass-38q');
    await page.getByRole('button', { name: 'Administration', exact: true }).click();
    const parts = page.getByRole('tablist', { name: 'Administration' });
    await parts.waitFor();
    expect(await parts.getByRole('tab').allTextContents()).toEqual(['Instruments', 'Users', 'Limits', 'Connections', 'Audit', 'Venue']);
    expect(await page.getByRole('button', { name: /New instrument|Edit/ }).count()).toBe(0);
    await row(page, quiet(shell)).getByRole('button', { name: 'Close', exact: true }).click();
    await page.keyboard.press('Enter');
    await done(page, `${quiet(shell)} is Closed`);
    await admin(page, 'Users');
    await row(page, 'bob').waitFor();
    expect(await page.locator('.admin').getByRole('button', { name: /Suspend|Edit|Lift suspension|New user/ }).count()).toBe(0);
    await row(page, 'bob').getByRole('button', { name: 'Cancel orders' }).click();
    await field(page, 'Instrument').selectOption(quiet(shell));
    await dialog(page).getByRole('button', { name: 'Cancel the orders of bob' }).click();
    await done(page, 'orders of bob cancelled');
    // A user who loses the role loses the page.
    await admin(staff.page, 'Users');
    await row(staff.page, user).getByRole('button', { name: 'Edit' }).click();
    await field(staff.page, 'Risk').uncheck();
    await field(staff.page, 'Viewer').check();
    await dialog(staff.page).getByRole('button', { name: `Change ${user}` }).click();
    await page.locator('.admin').waitFor({ state: 'detached' });
    expect([...staff.errors, ...errors]).toEqual([]);
    await Promise.all([context.close(), close(staff)]);
  });
});

test('an instrument is found and halted by keyboard alone', async () => {
  const { page, context } = await open('web', 'admin');
  const press = async (key: string, until: () => Promise<boolean>): Promise<void> => {
    for (let n = 0; n < 60; n++) {
      if (await until()) return;
      await page.keyboard.press(key);
    }
    throw new Error(`pressing ${key} 60 times does not reach the element`);
  };
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  await press('Tab', async () => (await focused()) === 'Administration');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'Users' }).waitFor();
  await press('Tab', async () => (await focused()) === 'Instruments' && (await page.evaluate(() => document.activeElement?.getAttribute('role'))) === 'tab');
  await page.keyboard.press('ArrowRight');
  await row(page, 'alice').waitFor();
  await page.keyboard.press('ArrowLeft');
  await press('Tab', async () => (await focused()) === 'Halt');
  await page.keyboard.press('Enter');
  await dialog(page).waitFor();
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await done(page, 'is Halted');
  expect(await focused()).not.toBe('');
  await context.close();
});

test.each([
  ['dark', 'en', 1280, 720],
  ['light', 'ja', 390, 844],
] as const)('every tab has no serious violation and fits, %s %s %d×%d', async (theme, language, width, height) => {
  const context = await browser.profile({ viewport: { width, height } });
  await context.addInitScript(([key, value]) => localStorage.setItem(key, value), ['todoku.settings', JSON.stringify({ theme, language })] as const);
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'admin');
  await page.getByRole('button', { name: /^(Administration|管理)$/ }).click();
  const parts = page.getByRole('tablist', { name: /^(Administration|管理)$/ });
  await parts.waitFor();
  for (const tab of await parts.getByRole('tab').all()) {
    const name = await tab.textContent();
    await tab.click();
    await page.locator('.admin').getByText(/Loading…|読み込み中…/).first().waitFor({ state: 'detached' });
    await shoot(page, `${theme}-${language}-${width}-${name}`);
    expect(await violations(page, '.admin'), name ?? '').toEqual([]);
    // Wide content scrolls in its own element, not the page.
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name ?? '').toBe(true);
  }
  await context.close();
});
