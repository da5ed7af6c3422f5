// Accessibility: axe finds no serious violation on any screen in either theme, nothing is shown
// by colour alone, reduced motion is respected, and texts and numbers fit. One shell is enough,
// because both render the same page.
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { colourRules, violations } from '../harness/axe';
import { type Chromium, launchChromium } from '../harness/browser';
import { clipped } from '../harness/fit';
import { openScreen, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;

/** A folder for screenshots; without it there are none. */
const pictures = process.env['SCREENSHOTS'];

beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  // Every panel has data of alice.
  await venue.todoku('alice', 'order', 'place', 'BUY', '1000', 'USDJPY', '@', '150.5', '--tif', 'GTC');
  await venue.todoku('alice', 'order', 'place', 'BUY', '1000', 'USDJPY', '@', '152');
  // The order fills when the demo's traders have placed theirs.
  await vi.waitFor(async () => expect(await venue.list('alice', 'order', 'list', '--symbol', 'USDJPY')).toHaveLength(1), { timeout: 30_000, interval: 100 });
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

async function open(context: BrowserContext, settings: Record<string, string>): Promise<Page> {
  await context.addInitScript((kept) => localStorage.setItem('todoku.settings', JSON.stringify(kept)), settings);
  return (await openScreen('web', context, venue)).page;
}

/** Waits until the page has its fonts and has painted all changes so far. */
async function painted(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  });
}

/** Shows an announcement, which is a warning. */
async function notify(page: Page): Promise<void> {
  await Promise.all([page.locator('.toast[data-level=warning]').first().waitFor(), venue.todoku('admin', 'announce', 'The venue closes at 17:00.')]);
}

const small = { width: 390, height: 844 };

// The themes differ in colours only, so the light one is checked by the rules for colours.
describe.each([
  { theme: 'dark', rules: undefined },
  { theme: 'light', rules: colourRules },
])('$theme', ({ theme, rules }) => {
  test('axe finds no serious violation on any screen', async () => {
    const context = await browser.profile({ reducedMotion: 'reduce' });
    const page = await open(context, { theme, language: 'en' });
    const found: string[] = [];
    const check = async (where: string, within?: string): Promise<void> => {
      for (const one of await violations(page, within, rules)) found.push(`${where}: ${one}`);
    };
    await check('sign-in');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    await check('settings before signing in', 'dialog');
    await page.getByRole('button', { name: 'Done' }).click();
    await signIn(page, 'alice');
    await page.locator('.depth.bid tbody tr').nth(2).waitFor();
    await notify(page);
    await check('desk');
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await check('notifications', '[popover]:popover-open');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Who is online/ }).click();
    await check('who is online', '[popover]:popover-open');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings' }).click();
    for (const tab of ['Display', 'Trading and sound', 'Connection', 'Account']) {
      await page.getByRole('tab', { name: tab }).click();
      await check(`settings, ${tab}`, 'dialog');
    }
    await page.getByRole('button', { name: 'Done' }).click();
    await page.setViewportSize(small);
    await page.locator('.tab-bar [role=tab]').first().waitFor();
    for (const tab of await page.locator('.tab-bar [role=tab]').all()) {
      await tab.click();
      await check(`panel ${await tab.textContent()}`, '.panel-tabs');
    }
    expect(found).toEqual([]);
    await context.close();
  });
});

test('with reduced motion nothing moves, and nothing is shown by colour alone', async () => {
  const context = await browser.profile({ reducedMotion: 'reduce' });
  const page = await open(context, { theme: 'dark', language: 'en' });
  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
  await signIn(page, 'alice');
  await page.locator('[data-direction="1"], [data-direction="-1"]').first().waitFor();
  await notify(page);
  const moving = await page.evaluate(() => document.getAnimations().map((animation) => String((animation.effect as KeyframeEffect).target?.className)));
  expect(moving).toEqual([]);
  // Changes of a price have a sign, sides a word, stale data its age.
  const unsigned = await page.evaluate(() =>
    [...document.querySelectorAll('[data-direction="1"], [data-direction="-1"]')]
      .map((element) => element.textContent + getComputedStyle(element, '::before').content + getComputedStyle(element, '::after').content)
      .filter((text) => !/[▲▼↑↓+−-]/.test(text)),
  );
  expect(unsigned).toEqual([]);
  for (const level of await page.locator('.toast .sign').allTextContents()) expect(level).toMatch(/^[i✓!]$/);
  expect(await page.locator('[data-panel=orders] [data-row]').first().textContent()).toMatch(/Buy|Sell/);
  await venue.kill();
  await page.locator('.feed-status').getByText(/lost|Connecting/).first().waitFor();
  await page.locator('.feed-status').getByText(/\d+ s ago/).waitFor();
  await venue.start();
  await context.close();
});

const sizes = [
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
  small,
];

describe.each([
  { language: 'en', theme: 'dark', palette: 'greenUp' },
  { language: 'ja', theme: 'light', palette: 'redUp' },
])('$language', (values) => {
  test('texts and numbers fit at every size, and with large text', async () => {
    const context = await browser.profile({ reducedMotion: 'reduce' });
    const page = await open(context, values);
    const cut: string[] = [];
    const check = async (where: string): Promise<void> => {
      await painted(page);
      if (pictures) await page.screenshot({ path: path.join(pictures, `${values.language} ${where}.png`) });
      for (const one of await clipped(page)) cut.push(`${where}: ${one}`);
    };
    const settingsButton = page.getByRole('button', { name: /^(Settings|設定)$/ });
    await check('sign-in');
    await signIn(page, 'alice');
    // An instrument with long prices and large quantities.
    await page.getByRole('button', { name: 'USDJPY', exact: true }).click();
    for (const size of sizes) {
      const name = `${size.width}x${size.height}`;
      await page.setViewportSize(size);
      if (size === small) {
        await page.locator('.tab-bar [role=tab]').first().waitFor();
        for (const [n, tab] of (await page.locator('.tab-bar [role=tab]').all()).entries()) {
          await tab.click();
          await check(`${name} panel ${n}`);
        }
      } else {
        await page.locator('.depth.bid tbody tr').nth(2).waitFor();
        await check(`${name} desk`);
      }
      await settingsButton.click();
      await page.locator('dialog [role=tab]').first().waitFor();
      for (const [n, tab] of (await page.locator('dialog [role=tab]').all()).entries()) {
        await tab.click();
        await check(`${name} settings ${n}`);
      }
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.locator('button[popovertarget]').last().click();
      await page.locator('.notices').waitFor();
      await check(`${name} notifications`);
      await page.keyboard.press('Escape');
    }
    await page.setViewportSize(sizes[0]!);
    await settingsButton.click();
    await page.getByRole('radio', { name: /^(Large|大)$/ }).check();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await check('large text');
    expect(cut).toEqual([]);
    await context.close();
  });
});
