// Headless Chromium with temporary profiles. The test files that a worker runs share one browser.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export interface Chromium {
  /** A window with its own profile, whose user wants little motion: animations cost much CPU without a GPU. */
  profile(options?: { viewport?: { width: number; height: number }; reducedMotion?: 'reduce' | 'no-preference' }): Promise<BrowserContext>;
  /** Closes the profiles. The browser ends with the worker's process. */
  close(): Promise<void>;
}

/**
 * Features of Chromium that are switched off. The last two load pages for its address bar, which
 * take as much CPU as the page under test. The others are from Playwright's own list, because
 * this list replaces it.
 */
const disabledFeatures = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
];

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${disabledFeatures.join(',')}`,
];

/** After this time an expected element counts as missing, ms. It is no measure of speed. */
const patience = 120_000;

const launch = { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args: flags };

let running: Promise<Browser> | undefined;

export async function launchChromium(): Promise<Chromium> {
  running ??= chromium.launch(launch);
  const browser = await running;
  const profiles: BrowserContext[] = [];
  return {
    async profile(options = {}) {
      // Tests look for English texts; without a locale the machine's language would be used.
      const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US', viewport: { width: 1280, height: 720 }, reducedMotion: 'reduce', ...options });
      context.setDefaultTimeout(patience);
      profiles.push(context);
      return context;
    },
    async close() {
      await Promise.all(profiles.map((context) => context.close()));
    },
  };
}

/** A browser of its own, whose user has blocked all site data: cookies and every kind of storage. */
export async function profileWithoutSiteData(): Promise<{ context: BrowserContext; close: () => Promise<void> }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'todoku-profile-'));
  await mkdir(path.join(directory, 'Default'));
  await writeFile(path.join(directory, 'Default/Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
  const context = await chromium.launchPersistentContext(directory, { ...launch, locale: 'en-US' });
  const close = async (): Promise<void> => {
    await context.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
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
