// Restricts the renderer to the page's own origin and its content security policy; navigation,
// new windows and permissions are refused.
import path from 'node:path';
import type { App, Session, WebPreferences } from 'electron';

export const origin = 'app://todoku';

/** No inline script or style, and no request to anywhere but the page's origin. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function webPreferences(preload: string, production: boolean): WebPreferences {
  return {
    preload,
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: !production,
    // A covered window keeps painting, so that it is current when the user returns to it.
    backgroundThrottling: false,
  };
}

export function isTrusted(url: string): boolean {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}` === origin;
  } catch {
    return false;
  }
}

/** The file below root for an address of our origin; undefined if it would be outside of root. */
export function assetOf(root: string, url: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(new URL(url).pathname);
  } catch {
    return undefined;
  }
  const file = path.normalize(path.join(root, name));
  if (file === root || file === root + path.sep) return path.join(root, 'index.html');
  return file.startsWith(root + path.sep) ? file : undefined;
}

export function lockDown(app: App, session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  app.on('web-contents-created', (_event, contents) => {
    const stay = (event: { url: string; preventDefault(): void }): void => {
      if (!isTrusted(event.url)) event.preventDefault();
    };
    contents.on('will-navigate', stay);
    contents.on('will-redirect', stay);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  });
}
