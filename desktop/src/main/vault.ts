// The session's tokens. The renderer never sees one: sign-in, refresh and sign-out pass
// through here on their way, and the tokens stay behind. The refresh token outlives the
// program only where the system keeps secrets, and a store that fails ends no session.
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
  #sessions = 0;

  constructor(private readonly store: TokenStore) {}

  accessToken = (): string | undefined => this.#access;

  /** Names the session: another one after every sign-in and sign-out. */
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

  /** Forgets the session: its tokens are another venue's. */
  async forget(): Promise<void> {
    this.#sessions += 1;
    await this.#keep(undefined);
  }

  /** What is sent in place of what the renderer wants sent: a refresh gets its token here. */
  async outgoing(method: string, body: Uint8Array): Promise<Uint8Array> {
    if (method === logoutPath) {
      // Nothing resumes it from here on. With its access token the venue is told, however often that takes.
      this.#sessions += 1;
      await this.#keep(undefined, this.#access);
    }
    if (method !== refreshPath) return body;
    await this.#load();
    return toBinary(RefreshSessionRequestSchema, create(RefreshSessionRequestSchema, { refreshToken: this.#refresh ?? '' }));
  }

  /**
   * What the renderer gets in place of what came: answers without their tokens. asked is the
   * session that there was when the question went out: an answer that comes after its
   * session says nothing of the one that somebody has begun since.
   */
  async incoming(method: string, result: UnaryResult, asked: number): Promise<UnaryResult> {
    const late = asked !== this.#sessions;
    const refused = !result.ok && result.status.code === 16;
    if (method === logoutPath && !late && (result.ok || refused)) await this.#keep(undefined);
    if (!result.ok) {
      // A refresh that the venue refuses will be refused again; one that got lost may not.
      if (method === refreshPath && !late && refused) await this.#keep(undefined);
      return result;
    }
    switch (method) {
      case loginPath: {
        const reply = fromBinary(LoginResponseSchema, result.body);
        const tokens = take(reply);
        if (!late) this.#sessions += 1;
        const kept = late || (await this.#keep(tokens));
        return { ok: true, body: toBinary(LoginResponseSchema, reply), ...(kept ? {} : { unkept: true }) };
      }
      case refreshPath: {
        const reply = fromBinary(RefreshSessionResponseSchema, result.body);
        const tokens = take(reply);
        const kept = late || (await this.#keep(tokens));
        return { ok: true, body: toBinary(RefreshSessionResponseSchema, reply), ...(kept ? {} : { unkept: true }) };
      }
      default:
        return result;
    }
  }

  /** Returns whether the store has it too. */
  async #keep(tokens: Tokens | undefined, access = tokens?.accessToken): Promise<boolean> {
    this.#loading ??= Promise.resolve();
    this.#access = access;
    this.#refresh = tokens?.refreshToken;
    try {
      await this.store.save(this.#refresh);
      return true;
    } catch {
      // What the store may still have was used up by this one: offered again it would look like a thief's.
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
