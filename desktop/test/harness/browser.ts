// Headless Chromium, with a profile of its own that goes with it.
import { type BrowserContext, chromium, type Page } from 'playwright-core';

export interface Chromium {
  /** A window of a profile of its own, closed with the browser. */
  profile(options?: { viewport?: { width: number; height: number }; reducedMotion?: 'reduce' }): Promise<BrowserContext>;
  close(): Promise<void>;
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launchChromium(): Promise<Chromium> {
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args: flags });
  return {
    // The language is what the tests look for; without a word it is the machine's.
    profile: (options = {}) => browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US', viewport: { width: 1280, height: 720 }, ...options }),
    close: () => browser.close(),
  };
}

/** Collects what a page complains about: a test that passes with errors on the console has not passed. */
export function complaints(page: Page, ignore: RegExp = /^$/): string[] {
  const seen: string[] = [];
  page.on('pageerror', (error) => seen.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !ignore.test(message.text())) seen.push(message.text());
  });
  return seen;
}
