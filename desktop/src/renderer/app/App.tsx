// The screen: signing in, or the desk.
import { type ReactNode, useMemo } from 'react';
import { SignIn } from '../features/session/SignIn';
import { translator, TranslateContext } from '../i18n';
import { part } from '../ui/part';
import { useAppSelector } from './hooks';

// Loaded on demand: the desk is large, and signing in does not need it.
const Desk = part(() => import('./Desk'), InsteadOfDesk);

function InsteadOfDesk({ children }: { children: ReactNode }) {
  return (
    <main className="sign-in">
      <div className="box">{children}</div>
    </main>
  );
}

export function App() {
  const language = useAppSelector((s) => s.settings.language);
  const status = useAppSelector((s) => s.session.status);
  const t = useMemo(() => translator(language), [language]);
  return (
    <TranslateContext value={t}>
      {status === 'signedIn' ? <Desk /> : <SignIn />}
    </TranslateContext>
  );
}
