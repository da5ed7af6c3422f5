// Headless Chromium with a temporary profile.
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
    // Tests look for English texts; without a locale the machine's language would be used.
    profile: (options = {}) => browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US', viewport: { width: 1280, height: 720 }, ...options }),
    close: () => browser.close(),
  };
}

/** Collects a page's errors, so that a test can require that there are none on the console. */
export function complaints(page: Page, ignore: RegExp = /^$/): string[] {
  const seen: string[] = [];
  page.on('pageerror', (error) => seen.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !ignore.test(message.text())) seen.push(message.text());
  });
  return seen;
}
