// One interface for both shells. All code that uses it is the same in Electron and in a
// browser.
import type { Interceptor, Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { LoginResponseSchema, type RefreshSessionRequest, RefreshSessionRequestSchema, RefreshSessionResponseSchema, SessionService, type SessionTokens } from '../../gen/todoku/v1/session_pb';
import type { Connectivity, Nudge, SettingsOutcome, ShellSettings } from '../../shared/bridge';
import { readText, storeText } from '../ui/store';
import { createBridgeTransport } from './bridgeTransport';
import { firstLock, tryLock } from './locks';

export interface Shell {
  readonly kind: 'electron' | 'web';
  readonly transport: Transport;
  /** Whether it is worth trying to resume a session of an earlier run. */
  hasSession(): Promise<boolean>;
  /** Calls back when the machine woke up or came online, until the returned function is called. */
  onNudge(listener: (why: Nudge) => void): () => void;
  /** Calls back with the state of the stream's channel; never in a browser, which does not show it. */
  onConnectivity(listener: (state: Connectivity) => void): () => void;
  /** Calls back, until the returned function is called, when the session could not be stored and ends with the program. */
  onUnkept(listener: () => void): () => void;
  /** Shows a notification of the operating system, where the user allowed it. */
  notify(title: string, body: string): void;
  /** Asks the user for permission to notify, where the shell needs it. Call it only from a click. */
  allowNotices(): Promise<boolean>;
  /** The settings of the connection to the venue; undefined in a browser, where the page's origin is the venue. */
  readonly settings?: {
    get(): Promise<ShellSettings>;
    set(settings: ShellSettings): Promise<SettingsOutcome>;
  };
  /**
   * Resolves when this page may open a stream. The page keeps that slot until it calls the
   * returned function. waiting is called if other pages hold all slots.
   */
  acquireStream(waiting: () => void, signal: AbortSignal): Promise<() => void>;
}

export function detectShell(): Shell {
  return window.todoku ? electronShell(window.todoku) : webShell();
}

function onOnline(listener: (why: Nudge) => void): () => void {
  const online = (): void => listener('online');
  window.addEventListener('online', online);
  return () => window.removeEventListener('online', online);
}

function electronShell(bridge: NonNullable<Window['todoku']>): Shell {
  const unkept = new Set<() => void>();
  return {
    kind: 'electron',
    transport: createBridgeTransport(bridge, () => unkept.forEach((listener) => listener())),
    hasSession: () => bridge.hasSession(),
    onNudge(listener) {
      const stops = [onOnline(listener), bridge.onNudge(listener)];
      return () => stops.forEach((stop) => stop());
    },
    onConnectivity: (listener) => bridge.onConnectivity(listener),
    onUnkept(listener) {
      unkept.add(listener);
      return () => void unkept.delete(listener);
    },
    notify: (title, body) => bridge.notify(title, body),
    allowNotices: () => Promise.resolve(true),
    settings: { get: () => bridge.getSettings(), set: (settings) => bridge.setSettings(settings) },
    acquireStream: () => Promise.resolve(() => undefined),
  };
}

/** The key that records that a user signed in with this browser. It is not a secret. */
const signedInKey = 'todoku.signed-in';

/** Whether this page may have cookies. navigator.cookieEnabled does not know: it is true also where they are blocked. */
function takesCookies(): boolean {
  const probe = 'todoku_probe=1';
  document.cookie = `${probe}; SameSite=Strict`;
  const taken = document.cookie.includes(probe);
  document.cookie = `${probe}; SameSite=Strict; Max-Age=0`;
  return taken;
}

function webShell(): Shell {
  // The access token is held in this closure, the refresh token in a cookie that scripts
  // cannot read. A browser that takes no cookies gets the refresh token too, and the session
  // ends with the page. Neither gets into the store.
  let access = '';
  let refresh = '';
  // Counts sign-ins and sign-outs, to ignore the answers to calls of an earlier session.
  let sessions = 0;
  const take = (tokens: SessionTokens | undefined, late: boolean): void => {
    if (!tokens) return;
    if (!late) {
      access = tokens.accessToken;
      refresh = tokens.refreshToken;
      storeText(signedInKey, '1');
    }
    tokens.accessToken = tokens.refreshToken = '';
  };
  const session: Interceptor = (next) => async (request) => {
    if (access !== '') request.header.set('Authorization', `Bearer ${access}`);
    if (request.service.typeName === SessionService.typeName && takesCookies()) request.header.set('Todoku-Session', 'cookie');
    if (refresh !== '' && !request.stream && request.message.$typeName === RefreshSessionRequestSchema.typeName)
      (request.message as RefreshSessionRequest).refreshToken = refresh;
    // After a sign-out a reload must not sign in again, even if the call does not reach the venue.
    const leaving = request.method.name === SessionService.method.logout.name;
    if (leaving) {
      storeText(signedInKey, null);
      refresh = '';
      sessions += 1;
    }
    const sessionAtRequest = sessions;
    const response = await next(request);
    if (!response.stream) {
      const late = sessionAtRequest !== sessions;
      const { tokens } = response.message as { tokens?: SessionTokens };
      if (response.message.$typeName === LoginResponseSchema.typeName) {
        sessions += 1;
        take(tokens, false);
      } else if (response.message.$typeName === RefreshSessionResponseSchema.typeName) take(tokens, late);
      else if (leaving && !late) access = '';
    }
    return response;
  };
  return {
    kind: 'web',
    transport: createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true, interceptors: [session] }),
    hasSession: () => Promise.resolve(readText(signedInKey) !== null),
    onNudge(listener) {
      // A page that was frozen, or restored from the back-forward cache, missed time like a machine that slept.
      const woke = (): void => listener('resume');
      const shown = (event: PageTransitionEvent): void => {
        if (event.persisted) woke();
      };
      document.addEventListener('resume', woke);
      window.addEventListener('pageshow', shown);
      const stop = onOnline(listener);
      return () => {
        document.removeEventListener('resume', woke);
        window.removeEventListener('pageshow', shown);
        stop();
      };
    },
    onConnectivity: () => () => undefined,
    onUnkept: () => () => undefined,
    notify(title, body) {
      if ('Notification' in window && Notification.permission === 'granted') new Notification(title, { body, silent: true });
    },
    async allowNotices() {
      return 'Notification' in window && (await Notification.requestPermission()) === 'granted';
    },
    acquireStream,
  };
}

/** Over HTTP/1.1 a browser opens six connections to one origin for all its tabs; this leaves two for calls. */
const streamsOverHTTP1 = 4;

async function acquireStream(waiting: () => void, signal: AbortSignal): Promise<() => void> {
  // Browsers use HTTP/2 only with TLS; then the page's own navigation shows which version was negotiated.
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const single = location.protocol === 'http:' || navigation?.nextHopProtocol === 'http/1.1';
  if (!single) return () => undefined;
  const names = Array.from({ length: streamsOverHTTP1 }, (_, n) => `todoku-stream-${n}`);
  try {
    for (const name of names) {
      const release = await tryLock(name);
      if (release) return release;
    }
  } catch {
    return () => undefined; // Without locks the tabs do not know of each other.
  }
  signal.throwIfAborted();
  waiting();
  return firstLock(names, signal);
}
