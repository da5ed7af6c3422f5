// Sessions in both shells: signing in, resuming, taking over, ending, signing out.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lost, silent, watchActions } from '../harness/actions';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { connectionOf, freshnessSeen, memoryTokens, openScreen, shells, signIn, watchFreshness, windowed } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  // Short-lived tokens, so that every test includes refreshes. The grace is for busy machines, on
  // which a refresh may take long.
  [venue, browser] = await Promise.all([TestVenue.start('--access-token-life', '3s', '--expiry-grace', '4s'), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const fresh = (page: Page) => page.locator('.desk[data-freshness=fresh]').waitFor();
const form = (page: Page) => page.getByRole('button', { name: 'Sign in', exact: true });

interface Connection {
  connection_id: string;
  client_name: string;
}

/** The browser logs every refused request by itself. */
const refusals = /the server responded with a status of 4/;

describe.each(shells)('%s', (shell) => {
  test('a wrong password is refused with a reason, the right one opens the desk with live books', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page, refusals);
    await form(page).waitFor();
    await page.getByLabel('User').fill('alice');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'The user name or the password is wrong.' }).waitFor();
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    await signIn(page, 'alice');
    await page.locator('.depth.bid tbody tr').nth(2).waitFor();
    expect(await page.locator('[data-panel=instruments] tbody tr').count()).toBeGreaterThan(3);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('a reload resumes the session on the same connection; after signing out it does not', async () => {
    const context = await browser.profile();
    const { page, calls } = await openScreen(shell, context, venue);
    await signIn(page, 'bob');
    const connection = await connectionOf(page);
    expect(connection).not.toBe('');
    await page.reload();
    await fresh(page);
    expect(await connectionOf(page)).toBe(connection);
    expect(calls.filter((name) => name === 'Login').length).toBeLessThanOrEqual(1);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await form(page).waitFor();
    await expect.poll(() => venue.list<Connection>('admin', 'connections', 'bob').then((all) => all.filter((one) => one.client_name.startsWith('todoku-')))).toEqual([]);
    await page.reload();
    await form(page).waitFor();
    expect(await connectionOf(page)).toBe('');
    await context.close();
  });

  test('tokens are refreshed without interrupting the screen', async () => {
    const context = await browser.profile();
    const { page, calls } = await openScreen(shell, context, venue);
    await signIn(page, 'alice');
    await watchFreshness(page);
    // Longer than a token's lifetime and its grace together.
    if (shell === 'electron-binary') await page.waitForTimeout(8_000);
    else await expect.poll(() => calls.filter((name) => name === 'RefreshSession').length, { interval: 100 }).toBeGreaterThanOrEqual(4);
    expect(await freshnessSeen(page)).toEqual([]);
    await context.close();
  });

  test('when staff end a session, its screen ends and shows the reason', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'carol');
    const mine = (await venue.list<Connection>('admin', 'connections', 'carol')).find((one) => one.client_name.startsWith('todoku-'));
    const first = await watchActions(page);
    await venue.todoku('admin', 'connections', 'end', mine!.connection_id, '--sign-out');
    expect(await first('session/ended', lost, silent)).toBe('session/ended');
    await page.getByRole('alert').filter({ hasText: 'The session was ended elsewhere' }).waitFor();
    await context.close();
  });

  test('when a user is suspended, the screen ends and shows the reason, as does the next sign-in', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'carol');
    const first = await watchActions(page);
    await venue.todoku('admin', 'user', 'suspend', 'carol');
    try {
      expect(await first('session/ended', lost, silent)).toBe('session/ended');
      await page.getByRole('alert').filter({ hasText: 'This user is suspended.' }).waitFor();
      await page.getByLabel('User').fill('carol');
      await page.getByLabel('Password').fill('demo');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: 'This user is suspended.' }).waitFor();
    } finally {
      await venue.todoku('admin', 'user', 'resume', 'carol');
    }
    await context.close();
  });
});

describe.each(windowed)('%s', (shell) => {
  test('without a stream a refused refresh signs out and shows the reason', async () => {
    const context = await browser.profile();
    const tokens = memoryTokens();
    const first = await openScreen(shell, context, venue, { tokens });
    await signIn(first.page, 'carol');
    const second = await openScreen(shell, context, venue, { tokens, connection: await connectionOf(first.page) });
    await fresh(second.page);
    await first.page.getByRole('alert', { name: 'Another window took over' }).waitFor();
    await venue.todoku('admin', 'user', 'suspend', 'carol');
    try {
      await first.page.getByRole('alert').filter({ hasText: /This user is suspended|The session was ended/ }).waitFor();
    } finally {
      await venue.todoku('admin', 'user', 'resume', 'carol');
    }
    await context.close();
  });
});

test('two users in two tabs of one browser are never confused', async () => {
  const context = await browser.profile();
  const alice = await openScreen('web', context, venue);
  const bob = await openScreen('web', context, venue);
  await signIn(alice.page, 'alice');
  await signIn(bob.page, 'bob');
  // The browser has one session cookie for all its tabs, that of the later sign-in.
  await alice.page.getByRole('alert').filter({ hasText: 'The session cannot continue here.' }).waitFor();
  await expect.poll(() => bob.calls.filter((name) => name === 'RefreshSession').length).toBeGreaterThanOrEqual(1);
  expect(await bob.page.locator('.desk').getAttribute('data-freshness')).toBe('fresh');
  await context.close();
});
