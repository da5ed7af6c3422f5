// What a page must never do or hold, in both shells. harness/guard.ts checks in every test that
// no page violates its content security policy or sends a request to another origin.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, launchChromium } from '../harness/browser';
import { breaches, memoryTokens, openScreen, type Screen, type ShellName, signIn, windowed } from '../harness/shells';
import { TestVenue } from '../harness/venue';

let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start('--access-token-life', '3s'), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await venue?.dispose();
});

/** Tokens begin with their type. */
const token = /td[ar]\d_[\w-]{20,}/g;

/** Everything that a script of the page can read, and what React holds: props, state, the store. */
async function everything(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const seen = new Set<unknown>();
    const texts: string[] = [];
    const walk = (value: unknown, depth: number): void => {
      if (typeof value === 'string') texts.push(value);
      if (typeof value !== 'object' || value === null || seen.has(value) || depth > 60 || value instanceof Node) return;
      seen.add(value);
      if ('getState' in value && typeof value.getState === 'function') {
        texts.push('the store was found');
        walk(value.getState(), depth + 1);
      }
      for (const key of Reflect.ownKeys(value)) {
        try {
          walk((value as Record<PropertyKey, unknown>)[key], depth + 1);
        } catch {
          // A getter for another receiver.
        }
      }
    };
    const root = document.getElementById('root')!;
    for (const key of Object.keys(root)) walk((root as unknown as Record<string, unknown>)[key], 0);
    for (const storage of [localStorage, sessionStorage]) texts.push(...Object.entries(storage).flat().map(String));
    texts.push(document.documentElement.outerHTML, document.cookie, location.href, JSON.stringify(history.state), window.name);
    for (const { name = '' } of await indexedDB.databases()) texts.push(`database ${name}`);
    for (const name of 'caches' in window ? await caches.keys() : []) texts.push(`cache ${name}`);
    return texts.join('\n');
  });
}

/** Collects the tokens of a session from the answers to a browser. */
function tap(shell: ShellName, { page }: Screen): string[] {
  const real: string[] = [];
  if (shell === 'web')
    page.on('response', (response) => {
      if (/SessionService\/(Login|RefreshSession)$/.test(response.url()))
        void response.body().then(
          (body) => real.push(...(body.toString('latin1').match(token) ?? [])),
          () => undefined,
        );
    });
  return real;
}

describe.each(windowed)('%s', (shell) => {
  test('no script, developer tool or log can find a token or the password', async () => {
    const context = await browser.profile();
    const kept: string[] = [];
    const store = memoryTokens();
    const tokens = { load: store.load, save: (value: string | undefined) => (value && kept.push(value), store.save(value)) };
    const screen = await openScreen(shell, context, venue, { tokens });
    const { page, calls } = screen;
    const onWire = tap(shell, screen);
    const logged: string[] = [];
    page.on('console', (message) => logged.push(message.text()));
    const crossed: string[] = [];
    screen.onCrossing((value) =>
      crossed.push(JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? Buffer.from(inner).toString('latin1') : inner))),
    );
    const mistyped = 'a-mistyped-password';
    await page.getByLabel('User').fill('alice');
    await page.getByLabel('Password').fill(mistyped);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
    expect(await everything(page)).not.toContain(mistyped);
    await signIn(page, 'alice');
    await expect.poll(() => calls.filter((name) => name === 'RefreshSession').length).toBeGreaterThanOrEqual(1);
    // The search proves something only if the pattern matches real tokens.
    const real = shell === 'web' ? onWire : kept;
    await expect.poll(() => real.length).toBeGreaterThanOrEqual(2);
    for (const one of real) expect(one).toMatch(token);
    const readable = await everything(page);
    expect(readable).toContain('the store was found');
    expect(readable).not.toContain(mistyped);
    for (const text of [readable, logged.join('\n'), crossed.join('\n')]) {
      expect(text.match(token) ?? []).toEqual([]);
      for (const one of real) expect(text.includes(one)).toBe(false);
    }
    expect(await page.evaluate(() => [...document.querySelectorAll('input')].map((input) => input.type).includes('password'))).toBe(false);
    if (shell === 'web') {
      const cookies = await context.cookies(`${venue.origin}/todoku.v1.SessionService/RefreshSession`);
      expect(cookies).toHaveLength(1);
      expect(cookies[0]).toMatchObject({ name: 'todoku_session', httpOnly: true, sameSite: 'Strict', path: '/todoku.v1.SessionService/' });
      expect(await page.evaluate(() => document.cookie)).toBe('');
    } else expect(await context.cookies()).toEqual([]);
    await context.close();
  });

  test('nothing inline runs, and nothing is linked to or fetched from elsewhere', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await signIn(page, 'alice');
    const policy = await page.evaluate(async () => (await fetch(location.href)).headers.get('content-security-policy') ?? '');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const addresses = await page.evaluate(() =>
      [...document.querySelectorAll('[href], [src], [action], [formaction]')].flatMap((element) =>
        ['href', 'src', 'action', 'formaction'].map((name) => element.getAttribute(name) ?? '').filter((value) => value !== '' && new URL(value, location.href).origin !== location.origin),
      ),
    );
    // The chart's licence requires a link to its maker.
    expect(addresses.filter((address) => !address.startsWith('https://www.tradingview.com'))).toEqual([]);
    expect(breaches).toEqual([]);
    // Each attempt is blocked, and reported like one of the product itself.
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.__inline = 1';
      document.body.append(script);
      const styled = document.createElement('style');
      styled.textContent = 'body { outline: 7px solid }';
      document.body.append(styled);
      const fetched = await fetch('https://elsewhere.invalid/').then(
        () => true,
        () => false,
      );
      const image = new Image();
      image.src = 'https://elsewhere.invalid/pixel.png';
      const form = document.createElement('form');
      form.action = 'https://elsewhere.invalid/form';
      document.body.append(form);
      form.submit();
      return { inline: '__inline' in window, styled: getComputedStyle(document.body).outlineWidth === '7px', fetched };
    });
    expect(ran).toEqual({ inline: false, styled: false, fetched: false });
    await expect.poll(() => breaches.filter((text) => text.startsWith('policy:')).length).toBeGreaterThanOrEqual(4);
    expect(page.url()).not.toContain('elsewhere');
    await context.close();
    breaches.length = 0;
  });
});

test('over the bridge only methods of services that have screens can be called', async () => {
  const context = await browser.profile();
  const { page } = await openScreen('electron', context, venue);
  await signIn(page, 'alice');
  const answers = await page.evaluate(async () => {
    const bridge = window.todoku!;
    const tried: string[] = [];
    for (const path of ['/todoku.v1.AdminService/ExportJournal', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', '/todoku.v1.OrderService/Nothing', '']) {
      const unary = await bridge.unary(path, new Uint8Array()).then(
        () => 'called',
        () => 'refused',
      );
      const stream = await new Promise<string>((resolve) => {
        bridge.open(
          path,
          new Uint8Array(),
          () => resolve('called'),
          ({ code }) => resolve(code === 7 ? 'refused' : `ended ${code}`),
        );
      });
      tried.push(unary, stream);
    }
    return { tried, keys: Object.keys(bridge).toSorted(), node: ['require', 'process', 'module', 'Buffer'].filter((name) => name in window) };
  });
  expect(new Set(answers.tried)).toEqual(new Set(['refused']));
  expect(answers.keys).toEqual(['getSettings', 'hasSession', 'notify', 'onConnectivity', 'onNudge', 'open', 'setSettings', 'unary']);
  expect(answers.node).toEqual([]);
  await context.close();
});
