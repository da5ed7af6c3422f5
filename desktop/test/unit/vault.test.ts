// The renderer never gets a token, and a token is never sent to another venue.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test, vi } from 'vitest';
import { LoginResponseSchema, RefreshSessionRequestSchema, RefreshSessionResponseSchema } from '../../src/gen/todoku/v1/session_pb';
import { Vault } from '../../src/main/vault';
import type { UnaryResult } from '../../src/shared/bridge';

const service = '/todoku.v1.SessionService/';
const tokens = { accessToken: 'access-1', refreshToken: 'refresh-1' };
const login = { ok: true as const, body: toBinary(LoginResponseSchema, create(LoginResponseSchema, { tokens, connectionId: 'c-1' })) };

function setUp(kept?: string) {
  const store = { load: vi.fn(() => Promise.resolve(kept)), save: vi.fn((_token: string | undefined) => Promise.resolve()) };
  const vault = new Vault(store);
  /** Sends a request; the test gives the answer later. */
  const ask = async (method: string, body = new Uint8Array()) => {
    const sent = await vault.outgoing(service + method, body);
    const sessionAtRequest = vault.session;
    return { sent, answer: (result: UnaryResult) => vault.incoming(service + method, result, sessionAtRequest) };
  };
  return { store, vault, ask, signIn: async () => (await ask('Login')).answer(login) };
}

const unreachable = { ok: false as const, status: { code: 14, message: 'unreachable' } };
const refreshed = (accessToken: string) => ({ ok: true as const, body: toBinary(RefreshSessionResponseSchema, create(RefreshSessionResponseSchema, { tokens: { accessToken, refreshToken: `refresh of ${accessToken}` } })) });

test('the answer to a sign-in reaches the renderer without the tokens', async () => {
  const { store, vault, signIn } = setUp();
  const seen = await signIn();
  const reply = fromBinary(LoginResponseSchema, seen.ok ? seen.body : new Uint8Array());
  expect(reply.connectionId).toBe('c-1');
  expect([reply.tokens?.accessToken, reply.tokens?.refreshToken]).toEqual(['', '']);
  expect(vault.accessToken()).toBe('access-1');
  expect(store.save).toHaveBeenLastCalledWith('refresh-1');
});

test('a refresh is sent with the stored token, whatever the renderer sends', async () => {
  const { vault, ask } = setUp('refresh-0');
  expect(await vault.hasSession()).toBe(true);
  const forged = toBinary(RefreshSessionRequestSchema, create(RefreshSessionRequestSchema, { refreshToken: 'forged' }));
  const { sent, answer } = await ask('RefreshSession', forged);
  expect(fromBinary(RefreshSessionRequestSchema, sent).refreshToken).toBe('refresh-0');
  const seen = await answer(refreshed('access-1'));
  expect(fromBinary(RefreshSessionResponseSchema, seen.ok ? seen.body : new Uint8Array()).tokens?.accessToken).toBe('');
  expect(vault.accessToken()).toBe('access-1');
});

test('the token of a session that the venue ended is removed; if the venue does not answer, it is kept', async () => {
  const { store, vault, ask } = setUp('refresh-0');
  await vault.hasSession();
  await (await ask('RefreshSession')).answer(unreachable);
  expect(await vault.hasSession()).toBe(true);
  await (await ask('RefreshSession')).answer({ ok: false, status: { code: 16, message: 'revoked' } });
  expect(await vault.hasSession()).toBe(false);
  expect(store.save).toHaveBeenLastCalledWith(undefined);
});

test('a refresh whose answer was lost is sent again with the same token, also by the next run', async () => {
  const { store, ask } = setUp('refresh-0');
  const token = async (): Promise<string> => fromBinary(RefreshSessionRequestSchema, (await ask('RefreshSession')).sent).refreshToken;
  for (const code of [1, 4, 13, 14]) await (await ask('RefreshSession')).answer({ ok: false, status: { code, message: 'no answer' } });
  expect(await token()).toBe('refresh-0');
  expect(store.save).not.toHaveBeenCalled();
  await (await ask('RefreshSession')).answer(refreshed('access-1'));
  expect(await token()).toBe('refresh of access-1');
});

test('a session that was signed out cannot be resumed, and is ended when the venue can be reached', async () => {
  const { store, vault, ask, signIn } = setUp();
  await signIn();
  const refresh = await ask('RefreshSession');
  const logout = await ask('Logout');
  expect(store.save).toHaveBeenLastCalledWith(undefined);
  await logout.answer(unreachable);
  await refresh.answer(refreshed('access-2'));
  expect(await vault.hasSession()).toBe(false);
  expect(vault.accessToken()).toBe('access-1');
  await (await ask('Logout')).answer({ ok: true, body: new Uint8Array() });
  expect(vault.accessToken()).toBeUndefined();
});

test('tokens that arrive after the venue was changed are not stored', async () => {
  const { vault, ask } = setUp();
  const { answer } = await ask('Login');
  await vault.forget();
  await answer(login);
  expect(vault.accessToken()).toBeUndefined();
  expect(await vault.hasSession()).toBe(false);
});

test('answers to calls of an earlier session do not change the tokens of the present one', async () => {
  const { store, vault, ask, signIn } = setUp('refresh-0');
  await vault.hasSession();
  const [refresh, refused] = [await ask('RefreshSession'), await ask('RefreshSession')];
  const logout = await ask('Logout');
  await signIn();
  const seen = await refresh.answer(refreshed('access of another'));
  expect(fromBinary(RefreshSessionResponseSchema, seen.ok ? seen.body : new Uint8Array()).tokens?.accessToken).toBe('');
  await refused.answer({ ok: false, status: { code: 16, message: 'revoked' } });
  await logout.answer({ ok: true, body: new Uint8Array() });
  expect(vault.accessToken()).toBe('access-1');
  expect(store.save).toHaveBeenLastCalledWith('refresh-1');
});

test('a token that cannot be stored does not end the session: the answer says so, and the older token is removed', async () => {
  const { store, vault, ask, signIn } = setUp('refresh-0');
  const full = (token: string | undefined) => (token === undefined ? Promise.resolve() : Promise.reject(new Error('no space left')));
  store.save.mockImplementation(full);
  expect(await signIn()).toMatchObject({ ok: true, unkept: true });
  expect(vault.accessToken()).toBe('access-1');
  expect(store.save.mock.calls).toEqual([['refresh-1'], [undefined]]);
  expect(await (await ask('RefreshSession')).answer(refreshed('access-2'))).toMatchObject({ ok: true, unkept: true });
  expect(vault.accessToken()).toBe('access-2');
  store.save.mockImplementation(() => Promise.resolve());
  expect(await (await ask('RefreshSession')).answer(refreshed('access-3'))).not.toHaveProperty('unkept');
});

test('a store that cannot remove the token does not delay the sign-out', async () => {
  const { store, vault, ask, signIn } = setUp();
  await signIn();
  store.save.mockImplementation(() => Promise.reject(new Error('read-only')));
  const { answer } = await ask('Logout');
  expect(await answer({ ok: true, body: new Uint8Array() })).toMatchObject({ ok: true });
  expect([vault.accessToken(), await vault.hasSession()]).toEqual([undefined, false]);
});
