// A page whose browser does not give it everything: code that does not arrive, a duplicated tab,
// blocked site data.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, complaints, launchChromium, profileWithoutSiteData } from '../harness/browser';
import { connectionOf, freshnessSeen, openScreen, signIn, watchFreshness } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start('--access-token-life', '3s', '--expiry-grace', '4s'), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const fresh = (page: Page) => page.locator('.desk[data-freshness=fresh]').waitFor();
const screenFailed = (page: Page) => page.getByText('This screen has failed').count();

/** Makes requests for a script of the page fail until the returned function is called. */
async function without(page: Page, name: string): Promise<() => Promise<void>> {
  const file = new RegExp(`/assets/${name}-[^/]*\\.js$`);
  await page.route(file, (route) => route.abort('connectionreset'));
  return () => page.unroute(file);
}

test('a part of the screen that cannot be loaded says so alone, and appears when it can be', async () => {
  const context = await browser.profile();
  const { page } = await openScreen('web', context, venue);
  const failed = page.getByRole('alert').filter({ hasText: 'could not be loaded' });

  let restore = await without(page, 'Desk');
  await page.getByLabel('User').fill('admin');
  await page.getByLabel('Password').fill('demo');
  await page.keyboard.press('Enter');
  await page.locator('main.sign-in').locator(failed).waitFor();
  const restoreChart = await without(page, 'ChartView'); // In the standard layout the desk shows it.
  await restore();
  await fresh(page);
  await watchFreshness(page);

  await page.locator('.dv-tab').filter({ hasText: 'Chart' }).click();
  await page.locator('[data-panel=chart]').locator(failed).waitFor();
  await page.locator('[data-panel=ladder] [role=row]').nth(2).waitFor();
  await restoreChart();
  await page.locator('[data-panel=chart] canvas').first().waitFor();

  for (const { name, button, place } of [
    { name: 'Settings', button: 'Settings', place: 'dialog' },
    { name: 'AdminPage', button: 'Administration', place: 'main.admin' },
  ]) {
    restore = await without(page, name);
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.locator(place).locator(failed).waitFor();
    await restore();
    await page.locator(place).locator(failed).getByRole('button', { name: 'Try again' }).click();
    await page.locator(place).getByRole('tablist').waitFor();
    if (place === 'dialog') await page.keyboard.press('Escape');
  }
  expect([await failed.count(), await screenFailed(page)]).toEqual([0, 0]);
  expect(await freshnessSeen(page)).toEqual([]);
  await context.close();
});

test('a duplicated tab gets a connection of its own, and both are live; a reload keeps its own', async () => {
  const context = await browser.profile();
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'alice');
  await watchFreshness(page);
  const connection = await connectionOf(page);
  // As when a tab is duplicated, the new page gets a copy of the session storage.
  const opened = page.waitForEvent('popup');
  await page.evaluate(() => void window.open(location.href));
  const copy = await opened;
  await fresh(copy);
  const other = await connectionOf(copy);
  expect(other).not.toBe('');
  expect(other).not.toBe(connection);
  expect(await freshnessSeen(page)).toEqual([]);
  await copy.reload();
  await fresh(copy);
  expect(await connectionOf(copy)).toBe(other);
  expect(await connectionOf(page)).toBe(connection);
  await context.close();
});

test('with site data blocked the page works, and its session lasts longer than a token', async () => {
  const { context, close } = await profileWithoutSiteData();
  try {
    const { page, calls } = await openScreen('web', context, venue);
    const errors = complaints(page, /the server responded with a status of 401/); // On a busy machine a token may expire first.
    await page.getByLabel('User').waitFor();
    await expect(page.evaluate(() => localStorage.length)).rejects.toThrow('Access is denied');
    await signIn(page, 'bob');
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    await page.getByRole('radio', { name: 'Light' }).click();
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    await expect.poll(() => calls.filter((name) => name === 'RefreshSession').length, { interval: 100 }).toBeGreaterThanOrEqual(4);
    await fresh(page);
    expect(errors).toEqual([]);
  } finally {
    await close();
  }
});
