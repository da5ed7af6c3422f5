// Sends an announcement to all users, or to some.
import { type FormEvent, useCallback, useMemo, useState } from 'react';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { ChangeDialog } from './ChangeDialog';
import { TextField } from './Fields';
import { bytesOf, checkAnnouncement, maxText, namesIn } from './rules';

export function AnnounceTab() {
  const t = useT();
  const from = useAppSelector((s) => s.session.user?.displayName ?? '');
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const known = useMemo(() => users?.map(({ user }) => user), [users]);
  const ended = useAppSelector((s) => s.admin.ended[0]);
  const [text, setText] = useState('');
  const [to, setTo] = useState('');
  const [attempted, setAttempted] = useState(false);
  const [asking, setAsking] = useState(false);
  const names = [...new Set(namesIn(to))];
  const announcement = text.trim();
  const checks = checkAnnouncement(announcement, names, known);
  const problemAt = (field: string, typed: string): string | undefined => {
    const check = checks.find((one) => one.field === field);
    return check && (attempted || typed !== '') ? t(`admin.check.${check.why}`, check.values) : undefined;
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setAttempted(true);
    setAsking(checks.length === 0);
  };
  const [before, setBefore] = useState(ended);
  const close = useCallback(() => setAsking(false), []);
  // Clear the text once it was sent; keep a refused one, to be corrected.
  if (ended !== before) {
    setBefore(ended);
    if (ended?.change.kind === 'announce' && ended.state === 'done') {
      setText('');
      setTo('');
      setAttempted(false);
    }
  }
  return (
    <>
      <form className="announce" onSubmit={submit} noValidate>
        <TextField
          label={t('admin.announce.text')}
          name="text"
          value={text}
          onChange={setText}
          lines={4}
          hint={t('admin.announce.left', { n: bytesOf(announcement), most: maxText })}
          problem={problemAt('text', text)}
        />
        <TextField label={t('admin.announce.users')} name="users" value={to} onChange={setTo} hint={t('admin.announce.usersHint')} problem={problemAt('users', to)} />
        <div className="buttons">
          <button type="submit" className="primary">
            {t('admin.announce.review')}
          </button>
        </div>
        <p className="note">{t('admin.announce.history')}</p>
      </form>
      {asking && (
        <ChangeDialog
          title={t('admin.announce.title')}
          confirm={t('admin.announce.title')}
          what={t('admin.announce.what', { users: names.length > 0 ? names.join(', ') : t('admin.announce.all'), from, text: announcement })}
          change={{ kind: 'announce', text: announcement, users: names }}
          onClose={close}
        />
      )}
    </>
  );
}
