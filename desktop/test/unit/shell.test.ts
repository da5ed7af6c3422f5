// The browser's shell keeps the tokens of the present session only.
import { createClient } from '@connectrpc/connect';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, expect, test, vi } from 'vitest';
import { LoginResponseSchema, LogoutResponseSchema, RefreshSessionRequestSchema, RefreshSessionResponseSchema, SessionService } from '../../src/gen/todoku/v1/session_pb';
import { detectShell } from '../../src/renderer/venue/shell';
import type { UnaryResult } from '../../src/shared/bridge';

afterEach(() => vi.unstubAllGlobals());

/** A page whose requests the test answers in any order. */
function page({ cookie = 'todoku_probe=1' } = {}) {
  const stored = new Map<string, string>();
  const requests: { method: string; bearer: string | null; kept: string | null; body: Uint8Array; answer: (body: Uint8Array<ArrayBuffer>) => void; lose: () => void }[] = [];
  vi.stubGlobal('window', {});
  // What is written to it is not read again.
  vi.stubGlobal('document', { get cookie() { return cookie; }, set cookie(_written) {} });
  vi.stubGlobal('location', { origin: 'http://venue.test' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal('fetch', (url: string, { headers, body: sent }: { headers: Headers; body: Uint8Array }) => {
    return new Promise<Response>((resolve, reject) => {
      const answer = (body: Uint8Array<ArrayBuffer>): void => resolve(new Response(body, { headers: { 'content-type': 'application/proto' } }));
      requests.push({ method: url.slice(url.lastIndexOf('/') + 1), bearer: headers.get('Authorization'), kept: headers.get('Todoku-Session'), body: sent, answer, lose: () => reject(new TypeError('the network failed')) });
    });
  });
  const shell = detectShell();
  const session = createClient(SessionService, shell.transport);
  const request = async (method: string) => {
    await vi.waitFor(() => expect(requests.at(-1)?.method).toBe(method), 4_000);
    return requests.at(-1)!;
  };
  return { shell, session, request };
}

const tokens = (accessToken: string) => ({ tokens: { accessToken, refreshToken: '' } });
const loggedIn = (accessToken: string) => toBinary(LoginResponseSchema, create(LoginResponseSchema, tokens(accessToken)));
const refreshed = (accessToken: string) => toBinary(RefreshSessionResponseSchema, create(RefreshSessionResponseSchema, tokens(accessToken)));

test('answers to calls of an earlier session do not change the tokens of the present one', async () => {
  const { shell, session, request } = page();
  const login = async (token: string): Promise<void> => {
    const done = session.login({ user: 'u', password: 'p' });
    (await request('Login')).answer(loggedIn(token));
    await done;
  };
  await login('of alice');
  const refresh = session.refreshSession({});
  const late = await request('RefreshSession');
  expect(late.bearer).toBe('Bearer of alice');
  const logout = session.logout({});
  const leaving = await request('Logout');
  expect(await shell.hasSession()).toBe(false);
  await login('of bob');
  late.answer(refreshed('of alice again'));
  expect((await refresh).tokens?.accessToken).toBe('');
  leaving.answer(toBinary(LogoutResponseSchema, create(LogoutResponseSchema)));
  await logout;
  void session.listSessions({}).catch(() => undefined);
  expect((await request('ListSessions')).bearer).toBe('Bearer of bob');
  expect(await shell.hasSession()).toBe(true);
});

test('a refresh that is answered after the sign-out does not sign in again', async () => {
  const { shell, session, request } = page();
  const refresh = session.refreshSession({});
  const late = await request('RefreshSession');
  void session.logout({}).catch(() => undefined);
  await request('Logout');
  late.answer(refreshed('of alice'));
  await refresh;
  expect(await shell.hasSession()).toBe(false);
});

test('without cookies the page keeps the refresh token, and sends it again when the answer was lost', async () => {
  const { session, request } = page({ cookie: '' });
  const done = session.login({ user: 'u', password: 'p' });
  const login = await request('Login');
  expect(login.kept).toBeNull();
  login.answer(toBinary(LoginResponseSchema, create(LoginResponseSchema, { tokens: { accessToken: 'a', refreshToken: 'refresh-0' } })));
  expect((await done).tokens).toMatchObject({ accessToken: '', refreshToken: '' });
  const sent: string[] = [];
  const refresh = async (answer: (asked: Awaited<ReturnType<typeof request>>) => void): Promise<void> => {
    const call = session.refreshSession({}).catch(() => undefined);
    const asked = await request('RefreshSession');
    sent.push(fromBinary(RefreshSessionRequestSchema, asked.body).refreshToken);
    answer(asked);
    await call;
  };
  await refresh((asked) => asked.lose());
  await refresh((asked) => asked.answer(toBinary(RefreshSessionResponseSchema, create(RefreshSessionResponseSchema, { tokens: { accessToken: 'b', refreshToken: 'refresh-1' } }))));
  await refresh((asked) => asked.lose());
  expect(sent).toEqual(['refresh-0', 'refresh-0', 'refresh-1']);
});

test('the desktop\'s shell reports, before the answer to a sign-in, that its session ends with the program', async () => {
  const result: UnaryResult = { ok: true, body: loggedIn(''), unkept: true };
  vi.stubGlobal('window', { todoku: { unary: () => Promise.resolve(result) } });
  const shell = detectShell();
  const events: string[] = [];
  shell.onUnkept(() => events.push('unkept'));
  await createClient(SessionService, shell.transport).login({});
  events.push('answered');
  expect(events).toEqual(['unkept', 'answered']);
});
