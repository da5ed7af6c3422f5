// The main path in both shells: sign in, see live books, survive a restart of the venue.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { lost, silent, watchActions } from '../harness/actions';
import { openScreen, shells, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

describe.each(shells)('%s', (shell) => {
  test('signing in shows live books at once', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'alice');
    const bids = page.locator('.depth.bid tbody tr');
    await bids.nth(2).waitFor();
    expect(await page.locator('[data-panel=instruments] tbody tr').count()).toBeGreaterThan(3);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('the venue is killed and comes back: stale at once, live again by itself', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'bob');
    const first = await watchActions(page);
    await venue.kill();
    expect(await first(lost, silent)).toBe(lost);
    await venue.start();
    await page.locator('.desk[data-freshness=fresh]').waitFor();
    await page.locator('.feed-status').getByText(/Resumed, \d+ messages? replayed/).waitFor();
    await context.close();
  });
});
