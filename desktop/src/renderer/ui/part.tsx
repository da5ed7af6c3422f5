// Parts of the screen whose code is loaded when they are first shown. A part that cannot be
// loaded says so in its own place and is tried again; the rest of the screen keeps working.
import './part.css';
import { type ComponentType, type ReactNode, useEffect, useState } from 'react';
import { useT } from '../i18n';

/** How long to wait before the next attempt after n failures, ms. */
export function retryAfter(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), 30_000);
}

/** Where the message stands while a part is not loaded. It gets the part's own properties. */
export type Frame<P> = ComponentType<P & { children: ReactNode }>;

/** A component that loads its code when it is first shown. React's lazy never tries again. */
export function part<P extends object>(load: () => Promise<{ default: ComponentType<P> }>, Place: Frame<P> = Plain): ComponentType<P> {
  let View: ComponentType<P> | undefined;
  return function Part(props: P) {
    const [loaded, setLoaded] = useState(View !== undefined);
    const [attempt, setAttempt] = useState(0);
    const [failed, setFailed] = useState<{ times: number; text: string }>();
    useEffect(() => {
      if (loaded) return undefined;
      let gone = false;
      load().then(
        (module) => {
          View = module.default;
          if (!gone) setLoaded(true);
        },
        (error: unknown) => {
          if (!gone) setFailed((before) => ({ times: (before?.times ?? 0) + 1, text: String(error) }));
        },
      );
      return () => {
        gone = true;
      };
    }, [attempt, loaded]);
    const again = (): void => setAttempt((n) => n + 1);
    useEffect(() => {
      if (loaded || !failed) return undefined;
      const timer = setTimeout(again, retryAfter(failed.times));
      window.addEventListener('online', again);
      return () => {
        clearTimeout(timer);
        window.removeEventListener('online', again);
      };
    }, [failed, loaded]);
    if (loaded && View) return <View {...props} />;
    if (!failed) return null;
    return (
      <Place {...props}>
        <NotLoaded text={failed.text} onRetry={again} />
      </Place>
    );
  };
}

function Plain({ children }: { children: ReactNode }) {
  return <>{children}</>;
}

function NotLoaded({ text, onRetry }: { text: string; onRetry: () => void }) {
  const t = useT();
  return (
    <div className="not-loaded" role="alert">
      <p>{t('app.notLoaded')}</p>
      <p className="detail">{text}</p>
      <p className="actions">
        <button type="button" onClick={onRetry}>
          {t('app.retry')}
        </button>
        <button type="button" onClick={() => location.reload()}>
          {t('app.reload')}
        </button>
      </p>
    </div>
  );
}
