// Layouts of each user: they survive a reload, have names and can be reset; a small screen shows
// the same panels one at a time.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { alone, openScreen, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

const shells = alone('web');
let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

const panel = (page: Page, id: string) => page.locator(`[data-panel=${id}]`);

/** Waits until the stored layouts of a user match. */
async function kept(page: Page, user: string, says: (text: string) => boolean): Promise<void> {
  await expect.poll(async () => says((await page.evaluate((key) => localStorage.getItem(key), `todoku.layouts.${user}`)) ?? '')).toBe(true);
}

describe.each(shells)('%s', (shell) => {
  test('panels stay the same after a reload, and layouts have names', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'alice');
    await panel(page, 'depth').waitFor();

    await page.getByRole('button', { name: 'Layout', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Layout' });
    await dialog.getByLabel('Name').fill('Morning');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByRole('checkbox', { name: 'Depth' }).uncheck();
    await panel(page, 'depth').waitFor({ state: 'detached' });
    await kept(page, 'alice', (text) => text.includes('Morning') && !/"Morning":.*"depth"/.test(text));

    await page.reload();
    await page.locator('.desk[data-freshness=fresh]').waitFor();
    await panel(page, 'instruments').waitFor();
    expect(await panel(page, 'depth').count()).toBe(0);

    await page.getByRole('button', { name: 'Layout', exact: true }).click();
    await dialog.getByRole('radio', { name: 'Standard' }).check();
    await panel(page, 'depth').waitFor();
    await dialog.getByRole('radio', { name: 'Morning' }).check();
    await panel(page, 'depth').waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Reset this layout' }).click();
    await panel(page, 'depth').waitFor();
    await dialog.getByRole('button', { name: 'Delete this layout' }).click();
    await dialog.getByRole('radio', { name: 'Morning' }).waitFor({ state: 'detached' });
    expect(errors).toEqual([]);
    await context.close();
  });

  test('a damaged layout is replaced by the standard one, and each user has their own', async () => {
    const context = await browser.profile();
    await context.addInitScript(() => {
      localStorage.setItem('todoku.layouts.bob', '{"version":1,"docks":{"":{"grid":{"root":{"type":"branch","size":1,"data":[');
      localStorage.setItem('todoku.layouts.carol', JSON.stringify({ version: 1, current: '', docks: {}, tab: 'gone' }));
    });
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'bob');
    await panel(page, 'depth').waitFor();
    await panel(page, 'orders').waitFor();
    await context.close();
  });

  test('a small screen shows one panel at a time, chosen by its tab', async () => {
    const context = await browser.profile({ viewport: { width: 390, height: 844 } });
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'carol');
    await panel(page, 'instruments').waitFor();
    expect(await page.locator('[data-panel]').count()).toBe(1);
    await page.getByRole('tab', { name: 'Depth' }).click();
    await page.locator('[data-panel=depth] .depth.bid tbody tr').first().waitFor();
    await page.getByRole('tab', { name: 'Depth' }).press('ArrowLeft');
    await panel(page, 'depth').waitFor({ state: 'detached' });
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(scrolls).toBe(false);
    expect(errors).toEqual([]);
    await context.close();
  });
});
