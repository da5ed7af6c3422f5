// How much a browser loads before the first paint. `make bench` prints how long it takes.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, launchChromium } from '../harness/browser';
import { signIn } from '../harness/shells';
import { desktop, TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

/** Counts the gzipped bytes of every file of the build that the page requests until the returned function is called. */
function loads(page: Page): () => Promise<number> {
  const requested = new Set<string>();
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === venue.origin && !pathname.startsWith('/todoku.v1.')) requested.add(pathname === '/' ? '/index.html' : pathname);
  });
  return async () => {
    const files = await Promise.all([...requested].map((name) => readFile(path.resolve(desktop, '../web/dist', `.${name}`))));
    return files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  };
}

test('the sign-in page loads at most 300 kB', async () => {
  const context = await browser.profile({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  const bytes = loads(page);
  await page.goto(venue.origin);
  await page.getByLabel('Password').waitFor();
  const first = await bytes();
  await signIn(page, 'alice');
  await page.locator('.depth.bid tbody tr').first().waitFor();
  const desk = await bytes();
  process.stdout.write(`\nfirst paint loads ${(first / 1e3).toFixed(1)} kB gzip, with the desk ${(desk / 1e3).toFixed(1)} kB\n`);
  expect(first).toBeLessThanOrEqual(300_000);
  await context.close();
});
