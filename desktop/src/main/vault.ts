// Keeps the session's tokens out of the renderer: it takes them out of the answers to sign-in
// and refresh, and adds them to requests. The refresh token is stored between runs only where
// the system can encrypt it. A store that fails does not end the session.
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
  /** Undefined if there is none, or it cannot be read. */
  load(): Promise<string | undefined>;
  /** Stores the token encrypted; undefined removes it. */
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
  #sessions = 0;

  constructor(private readonly store: TokenStore) {}

  accessToken = (): string | undefined => this.#access;

  /** A number for the present session; every sign-in and sign-out changes it. */
  get session(): number {
    return this.#sessions;
  }

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

  /** Forgets the session, because its tokens belong to another venue. */
  async forget(): Promise<void> {
    this.#sessions += 1;
    await this.#store(undefined);
  }

  /** Returns the request to send instead of the renderer's: a refresh gets its token here. */
  async outgoing(method: string, body: Uint8Array): Promise<Uint8Array> {
    if (method === logoutPath) {
      // From here on the session cannot be resumed. The sign-out call itself may be retried with the access token.
      this.#sessions += 1;
      await this.#store(undefined, this.#access);
    }
    if (method !== refreshPath) return body;
    await this.#load();
    return toBinary(RefreshSessionRequestSchema, create(RefreshSessionRequestSchema, { refreshToken: this.#refresh ?? '' }));
  }

  /**
   * Returns the result for the renderer: answers without tokens. sessionAtRequest is the session at the
   * time of the request: a late answer must not change a session that began since.
   */
  async incoming(method: string, result: UnaryResult, sessionAtRequest: number): Promise<UnaryResult> {
    const late = sessionAtRequest !== this.#sessions;
    const refused = !result.ok && result.status.code === 16;
    if (method === logoutPath && !late && (result.ok || refused)) await this.#store(undefined);
    if (!result.ok) {
      // A refresh that the venue refused would be refused again; one that was lost may succeed.
      if (method === refreshPath && !late && refused) await this.#store(undefined);
      return result;
    }
    switch (method) {
      case loginPath: {
        const reply = fromBinary(LoginResponseSchema, result.body);
        const tokens = take(reply);
        if (!late) this.#sessions += 1;
        const stored = late || (await this.#store(tokens));
        return { ok: true, body: toBinary(LoginResponseSchema, reply), ...(stored ? {} : { unkept: true }) };
      }
      case refreshPath: {
        const reply = fromBinary(RefreshSessionResponseSchema, result.body);
        const tokens = take(reply);
        const stored = late || (await this.#store(tokens));
        return { ok: true, body: toBinary(RefreshSessionResponseSchema, reply), ...(stored ? {} : { unkept: true }) };
      }
      default:
        return result;
    }
  }

  /** Returns whether the store has the token too. */
  async #store(tokens: Tokens | undefined, access = tokens?.accessToken): Promise<boolean> {
    this.#loading ??= Promise.resolve();
    this.#access = access;
    this.#refresh = tokens?.refreshToken;
    try {
      await this.store.save(this.#refresh);
      return true;
    } catch {
      // The store may still have the token before. Using it again would look like theft to the venue.
      if (tokens && tokens.refreshToken === this.#refresh) await this.store.save(undefined).catch(() => undefined);
      return false;
    }
  }
}

type Tokens = Pick<SessionTokens, 'accessToken' | 'refreshToken'>;

/** Takes the tokens out of a reply. */
function take({ tokens }: { tokens?: SessionTokens | undefined }): Tokens | undefined {
  if (!tokens) return undefined;
  const { accessToken, refreshToken } = tokens;
  tokens.accessToken = tokens.refreshToken = '';
  return { accessToken, refreshToken };
}
