// The screen: signing in, or the desk.
import { lazy, Suspense, useMemo } from 'react';
import { SignIn } from '../features/session/SignIn';
import { translator, TranslateContext } from '../i18n';
import { useAppSelector } from './hooks';

// Loaded on demand: the desk is large, and signing in does not need it.
const Desk = lazy(() => import('./Desk'));

export function App() {
  const language = useAppSelector((s) => s.settings.language);
  const status = useAppSelector((s) => s.session.status);
  const t = useMemo(() => translator(language), [language]);
  return (
    <TranslateContext value={t}>
      {status === 'signedIn' ? (
        <Suspense fallback={null}>
          <Desk />
        </Suspense>
      ) : (
        <SignIn />
      )}
    </TranslateContext>
  );
}
