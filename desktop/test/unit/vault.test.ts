// The renderer never holds a token, and a token never goes to another venue.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test, vi } from 'vitest';
import { LoginResponseSchema, RefreshSessionRequestSchema, RefreshSessionResponseSchema } from '../../src/gen/todoku/v1/session_pb';
import { Vault } from '../../src/main/vault';

const service = '/todoku.v1.SessionService/';
const tokens = { accessToken: 'access-1', refreshToken: 'refresh-1' };
const login = { ok: true as const, body: toBinary(LoginResponseSchema, create(LoginResponseSchema, { tokens, connectionId: 'c-1' })) };

function setUp(kept?: string) {
  const store = { load: vi.fn(() => Promise.resolve(kept)), save: vi.fn((_token: string | undefined) => Promise.resolve()) };
  return { store, vault: new Vault(store) };
}

test('signing in leaves the tokens behind and the rest passes', async () => {
  const { store, vault } = setUp();
  const seen = await vault.incoming(`${service}Login`, login);
  const reply = fromBinary(LoginResponseSchema, seen.ok ? seen.body : new Uint8Array());
  expect(reply.connectionId).toBe('c-1');
  expect([reply.tokens?.accessToken, reply.tokens?.refreshToken]).toEqual(['', '']);
  expect(vault.accessToken()).toBe('access-1');
  expect(store.save).toHaveBeenLastCalledWith('refresh-1');
});

test('a refresh is given the token that is kept, whatever the renderer sends', async () => {
  const { vault } = setUp('refresh-0');
  expect(await vault.hasSession()).toBe(true);
  const forged = toBinary(RefreshSessionRequestSchema, create(RefreshSessionRequestSchema, { refreshToken: 'forged' }));
  const sent = fromBinary(RefreshSessionRequestSchema, await vault.outgoing(`${service}RefreshSession`, forged));
  expect(sent.refreshToken).toBe('refresh-0');
  const body = toBinary(RefreshSessionResponseSchema, create(RefreshSessionResponseSchema, { tokens }));
  const seen = await vault.incoming(`${service}RefreshSession`, { ok: true, body });
  expect(fromBinary(RefreshSessionResponseSchema, seen.ok ? seen.body : new Uint8Array()).tokens?.accessToken).toBe('');
  expect(vault.accessToken()).toBe('access-1');
});

test('a session that the venue ended is forgotten, one that it could not be asked about is kept', async () => {
  const { store, vault } = setUp('refresh-0');
  await vault.hasSession();
  await vault.incoming(`${service}RefreshSession`, { ok: false, status: { code: 14, message: 'unreachable' } });
  expect(await vault.hasSession()).toBe(true);
  await vault.incoming(`${service}RefreshSession`, { ok: false, status: { code: 16, message: 'revoked' } });
  expect(await vault.hasSession()).toBe(false);
  expect(store.save).toHaveBeenLastCalledWith(undefined);
});

test('signing out forgets, even when the venue is not reached', async () => {
  const { vault } = setUp();
  await vault.incoming(`${service}Login`, login);
  await vault.incoming(`${service}Logout`, { ok: false, status: { code: 14, message: 'unreachable' } });
  expect(vault.accessToken()).toBeUndefined();
  expect(await vault.hasSession()).toBe(false);
});
