// Figures of the screen that depend on the machine, printed by `make bench`: frames, CPU, age
// of what is painted, time to the first book. Nothing fails because a machine is slow; what
// holds on any machine is in test/e2e/busy.test.ts. docs/performance.md has figures.
import os from 'node:os';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, launchChromium } from '../harness/browser';
import { countFrames, figures, heldBytes, mainThread } from '../harness/frames';
import { busyBooks, prepareLoad, startLoad } from '../harness/load';
import { openScreen, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

/** BENCHDURATION, a number of seconds such as 30s, is the length of each of three runs. */
const seconds = Number.parseFloat(process.env['BENCHDURATION'] ?? '5s');
const runs = 3;

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

/** Frames a second that an empty page gets on this machine now. */
async function idleFrames(context: BrowserContext): Promise<number> {
  const page = await context.newPage();
  await page.goto(`${venue.origin}/icon.svg`);
  await page.bringToFront();
  await countFrames(page);
  await page.waitForTimeout(2_000);
  const { perSecond } = await figures(page);
  await page.close();
  return perSecond;
}

/** A counter of the venue: the sum over those of its labels that match. */
async function metric(name: string, labels = /^/): Promise<number> {
  const text = await (await fetch(`${venue.origin}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length] ?? '') && labels.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const offeredState = async (): Promise<number> => (await metric('todoku_message_age_seconds_count', /kind="book_update".*stage="sent"/)) + (await metric('todoku_stream_conflated_total'));

test('a busy screen: frames, CPU, age of what is painted', { timeout: (runs * seconds + 600) * 1_000 }, async () => {
  const clients = await prepareLoad(venue, busyBooks);
  const context = await browser.profile({ viewport: { width: 1920, height: 1080 }, reducedMotion: 'no-preference' });
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'alice');
  await page.getByRole('button', { name: busyBooks[0]!.symbol, exact: true }).click();
  const load = startLoad(clients, busyBooks);
  await page.locator('.depth.bid tbody tr').nth(10).waitFor();
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  await countFrames(page);
  await page.waitForTimeout(5_000);
  const before = await heldBytes(session);
  for (let run = 1; run <= runs; run++) {
    const idle = await idleFrames(context);
    await page.bringToFront();
    await page.waitForTimeout(500);
    await figures(page);
    const worked = await mainThread(session);
    const [state, commands, changed, at] = [await offeredState(), await metric('todoku_journal_head_sequence'), load.changed(), performance.now()];
    await page.waitForTimeout(seconds * 1_000);
    const got = await figures(page);
    const did = await mainThread(session);
    const took = (performance.now() - at) / 1_000;
    const cpu = did.cpu - worked.cpu;
    const perSecond = (count: number): string => (count / took).toFixed(0);
    process.stdout.write(
      `\nrun ${run}: ${got.perSecond.toFixed(1)} frames/s (an empty page ${idle.toFixed(1)}), ${(got.dispatches / took).toFixed(1)} dispatches/s\n` +
        `  offered ${perSecond(load.changed() - changed)} changes/s: ${perSecond((await metric('todoku_journal_head_sequence')) - commands)} commands/s in the journal, ${perSecond((await offeredState()) - state)} updates/s for the streams\n` +
        `  push to paint p50 ${got.p50.toFixed(0)} ms, p99 ${got.p99.toFixed(0)} ms over ${got.paints} frames with news; longest task ${got.longest.toFixed(0)} ms\n` +
        `  ${((1_000 * cpu) / got.paints).toFixed(1)} ms of CPU a frame with news, done after ${((did.busy - worked.busy) / cpu).toFixed(1)} times that; load average ${os.loadavg()[0]!.toFixed(1)}\n`,
    );
  }
  const after = await heldBytes(session);
  await load.stop();
  process.stdout.write(`memory held by scripts: ${(before / 1e6).toFixed(1)} MB after 5 s, ${(after / 1e6).toFixed(1)} MB at the end\n`);
  await context.close();
});

test('the first live book after opening the page, signed in', async () => {
  const context = await browser.profile({ reducedMotion: 'no-preference' });
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'bob');
  await page.locator('.depth.bid tbody tr').first().waitFor();
  const took: number[] = [];
  for (let run = 0; run < 5; run++) {
    await page.reload({ waitUntil: 'commit' });
    // Measured by the page itself, from the start of the navigation to the frame with the book.
    const live = await page.waitForFunction(() => (document.querySelector('.desk[data-freshness=fresh] .depth.bid tbody tr') ? performance.now() : undefined), undefined, { polling: 'raf' });
    took.push((await live.jsonValue()) as number);
  }
  expect(took).toHaveLength(5);
  process.stdout.write(`\nfirst live book after ${took.toSorted((a, b) => a - b)[2]!.toFixed(0)} ms (median of five), at best ${Math.min(...took).toFixed(0)} ms; load average ${os.loadavg()[0]!.toFixed(1)}\n`);
  await context.close();
});
