// Notices: toasts that do not take the focus, the notification centre, who is
// online; and settings, which take effect at once and are stored.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Chromium, complaints, launchChromium } from '../harness/browser';
import { alone, openScreen, type ShellName, signIn } from '../harness/shells';
import { TestVenue } from '../harness/venue';

const shells = alone('electron');
let venue: TestVenue;
let browser: Chromium;
beforeAll(async () => {
  [venue, browser] = await Promise.all([TestVenue.start(), launchChromium()]);
  vi.stubEnv('TODOKU_NEW_PASSWORD', password);
  for (const shell of shells) await venue.todoku('admin', 'user', 'add', guest(shell));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await browser?.close();
  await venue?.dispose();
});

/** A new user for each shell, because a user who left a moment ago is still shown as online. */
const guest = (shell: ShellName): string => `guest-${shells.indexOf(shell)}`;
const password = 'amber-lagoon-27w';

describe.each(shells)('%s', (shell) => {
  test('notices appear without taking the focus, and are kept in the centre', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    const errors = complaints(page);
    await signIn(page, 'alice');
    const toasts = page.getByRole('region', { name: 'New notifications' });
    const price = page.getByRole('form', { name: 'Order ticket' }).getByLabel('Price', { exact: true });
    await price.focus();
    // A toast is shown for seconds only, and the command that causes it may take longer: wait for both at once.
    const notified = async (text: string | RegExp, act: () => Promise<unknown>): Promise<void> => void (await Promise.all([toasts.getByText(text).first().waitFor(), act()]));
    const other = await browser.profile();
    const theirs = await openScreen(shell, other, venue);
    await notified(`${guest(shell)} signed in.`, () => signIn(theirs.page, guest(shell), password));
    await page.getByRole('button', { name: /^Who is online: / }).click();
    await page.getByRole('list', { name: 'Who is online' }).getByText('Alice (you)').waitFor();
    await page.keyboard.press('Escape');
    await other.close();
    await price.focus();
    await notified(/^Bought [\d,]+ USDJPY at 15\d\.\d+$/, () => venue.todoku('alice', 'order', 'place', 'BUY', '1000', 'USDJPY', '--type', 'market'));
    await notified('The price is too far from the reference price', () => expect(venue.todoku('alice', 'order', 'place', 'BUY', '1000', 'USDJPY', '@', '100')).rejects.toThrow('OUTSIDE_BAND'));
    await notified('Lunch at noon.', () => venue.todoku('admin', 'announce', 'Lunch at noon.'));
    await notified('MSFT is halted. News pending.', () => venue.todoku('admin', 'instrument', 'halt', 'MSFT', '--reason', 'News pending.'));
    await venue.todoku('admin', 'instrument', 'open', 'MSFT');
    expect(await price.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Escape');
    await toasts.getByRole('listitem').first().waitFor({ state: 'detached' });

    await page.getByRole('button', { name: /^Notifications, \d+ unread$/ }).click();
    const centre = page.getByRole('dialog', { name: 'Notifications' });
    await centre.getByRole('combobox', { name: 'Kind' }).selectOption('Announcement');
    await centre.getByText('Lunch at noon.').waitFor();
    await expect.poll(() => centre.getByRole('listitem').count()).toBe(1);
    await centre.getByRole('combobox', { name: 'Kind' }).selectOption('All kinds');
    await centre.getByRole('searchbox').fill('halted');
    await centre.getByText('MSFT is halted.').waitFor();
    await expect.poll(() => centre.getByRole('listitem').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  test('settings take effect at once, also before signing in, and are stored', async () => {
    const context = await browser.profile();
    const { page } = await openScreen(shell, context, venue);
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('日本語').check();
    await page.getByLabel('ライト').check();
    await page.getByLabel('上げ赤・下げ緑').check();
    expect(await page.evaluate(() => ({ ...document.documentElement.dataset, lang: document.documentElement.lang }))).toMatchObject({ theme: 'light', palette: 'redUp', lang: 'ja' });
    if (shell !== 'web') {
      await page.getByRole('tab', { name: '接続' }).click();
      const server = page.getByLabel('サーバー（ホスト:ポート）');
      await server.fill('elsewhere.example:7443');
      await page.getByRole('button', { name: '保存' }).click();
      await page.getByText('TLS なしで接続できるのは').waitFor();
      await page.getByText('grpc.http2.max_pings_without_data').waitFor();
      await server.fill(venue.endpoint);
      await page.getByRole('button', { name: '保存' }).click();
      await page.getByText('保存しました。').waitFor();
    }
    await page.getByRole('button', { name: '閉じる' }).click();
    await page.reload();
    await page.getByLabel('ユーザー名').fill('carol');
    await page.getByLabel('パスワード').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('ユーザー名またはパスワードが正しくありません。').waitFor();
    await context.close();
  });

  test('a user changes the password and ends their other sessions', async () => {
    // Each shell finds the password that the one before it set.
    const passwords = [0, 1].map((step) => ['demo', 'violet-harbour-51x', 'copper-meadow-72y', 'silent-orchard-93z'][shells.indexOf(shell) + step]!);
    const contexts = await Promise.all([browser.profile(), browser.profile()]);
    const [here, there] = await Promise.all(contexts.map(async (context) => (await openScreen(shell, context, venue)).page));
    await signIn(there!, 'carol', passwords[0]);
    await signIn(here!, 'carol', passwords[0]);
    await here!.getByRole('button', { name: 'Settings' }).click();
    await here!.getByRole('tab', { name: 'Account' }).click();
    const sessions = here!.getByRole('region', { name: 'Your sessions' });
    await sessions.getByRole('button', { name: 'End' }).first().click();
    await there!.getByText('The session was ended elsewhere').waitFor();
    const form = here!.getByRole('form', { name: 'Password' });
    const change = async (current: string): Promise<void> => {
      await form.getByLabel('Current password').fill(current);
      await form.getByLabel('New password', { exact: true }).fill(passwords[1]!);
      await form.getByLabel('New password again').fill(passwords[1]!);
      await form.getByRole('button', { name: 'Change password' }).click();
    };
    await change('not this');
    await form.getByText(/password is wrong/i).waitFor();
    await change(passwords[0]!);
    await form.getByText('Changed. Your other sessions have ended.').waitFor();
    await Promise.all(contexts.map((context) => context.close()));
  });
});
