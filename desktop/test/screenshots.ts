// Makes the pictures that the README shows, of a demo venue where Alice trades:
// `npm run screenshots`, after `make build`.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'vitest';
import { launchChromium } from './harness/browser';
import { openScreen, signIn } from './harness/shells';
import { desktop, TestVenue } from './harness/venue';

const images = path.resolve(desktop, '../docs/images');

const pictures = [
  { name: 'desk-dark-en', settings: { language: 'en', theme: 'dark', palette: 'greenUp' } },
  { name: 'desk-light-ja', settings: { language: 'ja', theme: 'light', palette: 'redUp' } },
];

/** How long the demo's traders trade before the pictures, ms, so that the chart has candles. */
const tradingMs = Number(process.env['TRADING_SECONDS'] ?? 600) * 1000;

test('pictures', { timeout: tradingMs + 180_000 }, async () => {
  const [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  try {
    await mkdir(images, { recursive: true });
    const alice = (...words: string[]) => venue.todoku('alice', 'order', 'place', ...words);
    await alice('BUY', '300000', 'USDJPY', '@', '151.21', '--tif', 'GTC');
    await alice('BUY', '100000', 'EURUSD', '@', '1.0839');
    await alice('SELL', '200', '7203', '@', '2859');
    await new Promise((resolve) => setTimeout(resolve, tradingMs));
    const trades = [
      ['BUY', '20000', 'EURJPY'],
      ['SELL', '5000', 'EURUSD'],
      ['BUY', '300', '7203'],
      ['SELL', '100', '9984'],
      ['BUY', '50', 'AAPL'],
      ['SELL', '10000', 'GBPUSD'],
      ['BUY', '10000', 'USDJPY'],
    ];
    for (const words of trades) await alice(...words, '--type', 'market');
    // Near enough to be visible in the ladder, too far to trade.
    const book = JSON.parse(await venue.todoku('alice', 'book', 'USDJPY', '--json')) as { bids: { price: string }[]; offers: { price: string }[] };
    await alice('BUY', '100000', 'USDJPY', '@', book.bids[5]!.price);
    await alice('SELL', '200000', 'USDJPY', '@', book.offers[4]!.price);
    for (const { name, settings } of pictures) {
      const context = await browser.profile({ viewport: { width: 1920, height: 1080 }, reducedMotion: 'reduce' });
      await context.addInitScript((kept) => localStorage.setItem('todoku.settings', JSON.stringify(kept)), settings);
      const { page } = await openScreen('web', context, venue);
      await signIn(page, 'alice');
      await page.locator('[data-panel=instruments]').getByText('USDJPY', { exact: true }).first().click();
      await page.locator('[data-panel=ticket] input[name=price]').fill(book.bids[2]!.price);
      await page.locator('.dv-tab').filter({ hasText: /^(Chart|チャート)$/ }).click();
      await page.locator('.depth.bid tbody tr').nth(5).waitFor();
      // A fill for the notice in each picture, because the demo's traders trade on.
      await alice('BUY', '10000', 'USDJPY', '--type', 'market');
      await page.locator('.toast[data-group=fill]').first().waitFor();
      await page.screenshot({ path: path.join(images, `${name}.png`) });
      await context.close();
    }
  } finally {
    await browser.close();
    await venue.dispose();
  }
});
