// The first screen.
import { type FormEvent, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { isKey, type Translate, useT } from '../../i18n';
import type { Problem } from '../../venue/problem';
import { type VenueReason, useReasonText } from '../orders/reasons';
import { SettingsButton } from '../settings/SettingsButton';
import { session } from './slice';

/** Shows why no user is signed in. */
function why(t: Translate, textOf: (reason: VenueReason) => string, problem: Problem | undefined, resuming: boolean): string {
  if (!problem) return '';
  if (problem.reason === '') return t(resuming ? 'session.resuming' : 'session.unreachable');
  const key = `session.why.${problem.reason}`;
  return isKey(key) ? t(key, { seconds: Math.max(1, Math.ceil(problem.retryAfterMs / 1000)) }) : textOf(problem);
}

export function SignIn() {
  const t = useT();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const { status, problem, resuming } = useAppSelector((s) => s.session);
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    dispatch(session.signIn({ user: user.trim(), password }));
    setPassword('');
  };
  const busy = status === 'signingIn' || status === 'starting';
  return (
    <main className="sign-in">
      <div className="corner">
        <SettingsButton />
      </div>
      <form onSubmit={submit} aria-busy={busy}>
        <h1>{t('app.title')}</h1>
        <label>
          {t('session.user')}
          <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus required value={user} onChange={(e) => setUser(e.target.value)} />
        </label>
        <label>
          {t('session.password')}
          <input name="password" type="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />
        </label>
        <button type="submit" className="primary" disabled={busy}>
          {busy && status === 'signingIn' ? t('session.signingIn') : t('session.signIn')}
        </button>
        <p role="alert" className="problem">
          {why(t, textOf, problem, resuming)}
        </p>
      </form>
    </main>
  );
}
