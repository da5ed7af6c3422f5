// The user's own password and sessions.
import { type FormEvent, useEffect, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Time } from '../../ui/Time';
import { useReasonText } from '../orders/reasons';
import { account } from './account';

export function AccountTab() {
  const dispatch = useAppDispatch();
  useEffect(() => void dispatch(account.opened()), [dispatch]);
  return (
    <>
      <PasswordForm />
      <Sessions />
    </>
  );
}

function PasswordForm() {
  const t = useT();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const user = useAppSelector((s) => s.session.user?.user ?? '');
  const { password, passwordProblem } = useAppSelector((s) => s.account);
  const [present, setPresent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const differ = again !== '' && next !== again;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (next !== again) return;
    dispatch(account.changePassword({ present, next }));
    setPresent('');
    setNext('');
    setAgain('');
  };
  const words = (): string => {
    if (differ) return t('settings.password.differ');
    if (password === 'refused' && passwordProblem) return textOf(passwordProblem);
    return password === 'changed' ? t('settings.password.changed') : '';
  };
  return (
    <form className="password" onSubmit={submit} aria-label={t('settings.password')}>
      <h3>{t('settings.password')}</h3>
      {/* Password managers file the new one under this name. */}
      <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
      <label>
        {t('settings.password.present')}
        <input type="password" autoComplete="current-password" required value={present} onChange={(e) => setPresent(e.target.value)} />
      </label>
      <label>
        {t('settings.password.next')}
        <input type="password" autoComplete="new-password" required value={next} onChange={(e) => setNext(e.target.value)} />
      </label>
      <label>
        {t('settings.password.again')}
        <input type="password" autoComplete="new-password" required value={again} aria-invalid={differ} onChange={(e) => setAgain(e.target.value)} />
      </label>
      <div className="row">
        <button type="submit" disabled={password === 'changing' || differ}>
          {t('settings.password.change')}
        </button>
        <p role="status" className={password === 'changed' && !differ ? 'hint' : 'problem'}>
          {words()}
        </p>
      </div>
    </form>
  );
}

function Sessions() {
  const t = useT();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const { sessions, sessionsProblem } = useAppSelector((s) => s.account);
  return (
    <section className="sessions" aria-label={t('settings.sessions')}>
      <h3>{t('settings.sessions')}</h3>
      <ul>
        {sessions?.map((one) => (
          <li key={one.sessionId} data-current={one.current}>
            <span className="what">
              {one.clientName || t('settings.sessions.unnamed')} <span className="from">{one.remoteAddress}</span>
            </span>
            <Time at={one.createTime ?? 0} as="dateTime" />
            {one.current ? (
              <span className="this">{t('settings.sessions.this')}</span>
            ) : (
              <button type="button" onClick={() => dispatch(account.revoke(one.sessionId))}>
                {t('settings.sessions.end')}
              </button>
            )}
          </li>
        ))}
      </ul>
      <p role="status" className="problem">
        {sessionsProblem ? textOf(sessionsProblem) : ''}
      </p>
    </section>
  );
}
