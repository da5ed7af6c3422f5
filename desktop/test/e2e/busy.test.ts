// The screen under a very fast market. The counts are the same on any machine: dispatches,
// rendered rows, changed nodes, memory. `make bench` prints the speed of a machine.
// TODOKU_SOAK=1 takes half an hour.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, launchChromium } from '../harness/browser';
import { heldBytes } from '../harness/frames';
import { busyBooks, buy, prepareLoad, startLoad } from '../harness/load';
import { openScreen, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';
import { arrivals, countWork, takeWork } from '../harness/work';

/** How many arrivals from the stream the test measures; twenty come a second, or fewer on a slow machine. */
const news = process.env['TODOKU_SOAK'] === '1' ? 36_000 : 60;

/** After this time the test counts as hanging, ms. It is no measure of speed. */
const hangs = 600_000 + news * 1_000;

/** Rows that each side of a book shows; the row, from the top, whose level changes alone; how often it changes. */
const [rowsShown, deep, single] = [20, 15, 10];

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

test('books that change 5,000 times a second cost one dispatch a frame, one render of each changed row, and no memory', { timeout: hangs }, async () => {
  const clients = await prepareLoad(venue, busyBooks);
  const context = await browser.profile({ viewport: { width: 1920, height: 1080 }, reducedMotion: 'no-preference' });
  await countWork(context);
  const { page } = await openScreen('web', context, venue);
  await signIn(page, 'alice');
  await page.getByRole('button', { name: busyBooks[0]!.symbol, exact: true }).click();
  const load = startLoad(clients, busyBooks);
  const more = (count: number): Promise<void> => expect.poll(() => arrivals(page), { interval: 500, timeout: hangs }).toBeGreaterThanOrEqual(count).then(() => undefined);
  await page.locator('.depth.bid tbody tr').nth(10).waitFor();
  const session = await context.newCDPSession(page);
  await takeWork(page);
  // By now all bounded lists are full, and the code is compiled.
  await more(50);
  const before = await heldBytes(session);
  await takeWork(page);
  const changed = load.changed();
  await more(news);
  const work = await takeWork(page);
  const changes = load.changed() - changed;
  const after = await heldBytes(session);
  await load.stop();

  // Without the load one level changes at a time: the rows above it do not change.
  const [trader] = clients;
  const level = page.locator('.depth.bid tbody tr').nth(deep - 1).locator('.orders');
  await expect.poll(() => level.textContent()).toBe('2');
  await takeWork(page);
  for (let n = 0; n < single; n++) {
    await trader!.placeOrders({ orders: [buy(`single-${n}`, busyBooks[0]!.symbol, deep)] });
    await expect.poll(() => level.textContent(), { interval: 50 }).toBe(String(3 + n));
  }
  const alone = await takeWork(page);

  const seen = `${JSON.stringify({ ...work, changes })}; one level at a time ${JSON.stringify(alone)}; memory held: ${(before / 1e6).toFixed(1)} MB before, ${(after / 1e6).toFixed(1)} MB after`;
  process.stdout.write(`\n${seen}\n`);
  expect.soft(changes, 'the load moved the books').toBeGreaterThan(news);
  expect.soft(work.dispatchesInAFrame, work.most).toBe(1);
  expect.soft(work.rendersOfARow, seen).toBe(1);
  expect.soft(work.rowsRendered, seen).toBeGreaterThan(news);
  expect.soft(work.rowsUnchanged, seen).toBe(0);
  expect.soft(alone.rowsUnchanged, seen).toBe(0);
  expect.soft(alone.rowsIn['depth']! / single, seen).toBeLessThanOrEqual(rowsShown - deep + 1);
  expect.soft(work.nodesOutsideRows / work.arrivals, seen).toBeLessThan(20);
  expect.soft(after, seen).toBeLessThan(before * 1.15 + 2e6);
  await context.close();
});
