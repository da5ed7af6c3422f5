// The session's tokens. The renderer never sees one: sign-in, refresh and sign-out pass
// through here on their way, and the tokens stay behind. The refresh token outlives the
// program only where the system keeps secrets.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LoginResponseSchema,
  RefreshSessionRequestSchema,
  RefreshSessionResponseSchema,
  SessionService,
  type SessionTokens,
} from '../gen/todoku/v1/session_pb';
import type { UnaryResult } from '../shared/bridge';

/** Where a refresh token is kept between runs. */
export interface TokenStore {
  /** Undefined when there is none, or none that can be read. */
  load(): Promise<string | undefined>;
  /** Undefined forgets it. Must not keep it in clear. */
  save(token: string | undefined): Promise<void>;
}

const path = (method: { parent: { typeName: string }; name: string }): string => `/${method.parent.typeName}/${method.name}`;
const loginPath = path(SessionService.method.login);
const refreshPath = path(SessionService.method.refreshSession);
const logoutPath = path(SessionService.method.logout);

export class Vault {
  #access: string | undefined;
  #refresh: string | undefined;
  #loading: Promise<void> | undefined;

  constructor(private readonly store: TokenStore) {}

  accessToken = (): string | undefined => this.#access;

  /** Whether there is a session to resume. */
  async hasSession(): Promise<boolean> {
    await this.#load();
    return this.#refresh !== undefined;
  }

  #load(): Promise<void> {
    this.#loading ??= this.store.load().then((token) => {
      this.#refresh ??= token;
    });
    return this.#loading;
  }

  /** Forgets the session: its tokens are another venue's. */
  forget(): Promise<void> {
    return this.#keep(undefined);
  }

  /** What is sent in place of what the renderer wants sent: a refresh gets its token here. */
  async outgoing(method: string, body: Uint8Array): Promise<Uint8Array> {
    if (method !== refreshPath) return body;
    await this.#load();
    return toBinary(RefreshSessionRequestSchema, create(RefreshSessionRequestSchema, { refreshToken: this.#refresh ?? '' }));
  }

  /** What the renderer gets in place of what came: answers without their tokens. */
  async incoming(method: string, result: UnaryResult): Promise<UnaryResult> {
    if (method === logoutPath) await this.#keep(undefined);
    if (!result.ok) {
      // A refresh that the venue refuses will be refused again; one that got lost may not.
      if (method === refreshPath && result.status.code === 16) await this.#keep(undefined);
      return result;
    }
    switch (method) {
      case loginPath: {
        const reply = fromBinary(LoginResponseSchema, result.body);
        await this.#keep(reply.tokens);
        return { ok: true, body: toBinary(LoginResponseSchema, reply) };
      }
      case refreshPath: {
        const reply = fromBinary(RefreshSessionResponseSchema, result.body);
        await this.#keep(reply.tokens);
        return { ok: true, body: toBinary(RefreshSessionResponseSchema, reply) };
      }
      default:
        return result;
    }
  }

  async #keep(tokens: SessionTokens | undefined): Promise<void> {
    this.#loading ??= Promise.resolve();
    this.#access = tokens?.accessToken;
    this.#refresh = tokens?.refreshToken;
    if (tokens) tokens.accessToken = tokens.refreshToken = '';
    await this.store.save(this.#refresh);
  }
}
