// Users, their state, and the actions on each.
import { useState } from 'react';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { ChangeDialog } from './ChangeDialog';
import { EditUser } from './EditUser';
import { ChoiceField } from './Fields';
import { ListHead } from './ListHead';
import type { User } from './queries';
import { selectMay } from './selectors';
import { presenceWord, rolesWords, useMoments } from './words';

type Asking = { kind: 'new' } | { kind: 'edit' | 'suspend' | 'resume' | 'massCancel'; user: User };

export function UsersTab() {
  const t = useT();
  const { timeWords, utcWords } = useMoments();
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const self = useAppSelector((s) => s.session.user?.user);
  const mayEdit = useAppSelector(selectMay('updateUser'));
  const maySuspend = useAppSelector(selectMay('suspend'));
  const mayCancel = useAppSelector(selectMay('massCancel'));
  const [asking, setAsking] = useState<Asking>();
  const close = (): void => setAsking(undefined);
  const button = (kind: 'edit' | 'suspend' | 'resume' | 'massCancel', user: User) => (
    <button type="button" onClick={() => setAsking({ kind, user })}>
      {t(`admin.user.${kind}`)}
    </button>
  );
  return (
    <>
      <ListHead list="users">
        {mayEdit && (
          <button type="button" onClick={() => setAsking({ kind: 'new' })}>
            {t('admin.user.new')}
          </button>
        )}
      </ListHead>
      <table className="grid" aria-label={t('admin.tab.users')}>
        <thead>
          <tr>
            <th>{t('admin.user.user')}</th>
            <th>{t('admin.user.displayName')}</th>
            <th>{t('admin.user.state')}</th>
            <th>{t('admin.user.online')}</th>
            <th>{t('admin.user.since')}</th>
            <th>{t('admin.actions')}</th>
            <th>{t('admin.user.roles')}</th>
            <th>{t('admin.user.accounts')}</th>
          </tr>
        </thead>
        <tbody>
          {users?.map((user) => (
            <tr key={user.user} data-user={user.user}>
              <th scope="row">{user.user}</th>
              <td>{user.displayName}</td>
              <td className="status" data-status={user.suspended ? 'halted' : 'open'}>
                {t(user.suspended ? 'admin.user.suspended' : 'admin.user.active')}
              </td>
              <td className="live">{presenceWord(t, user)}</td>
              <td className="live" title={utcWords(user.since)}>
                {timeWords(user.since)}
              </td>
              <td className="actions">
                {mayEdit && button('edit', user)}
                {mayCancel && button('massCancel', user)}
                {maySuspend && button(user.suspended ? 'resume' : 'suspend', user)}
              </td>
              <td>{rolesWords(t, user.roles)}</td>
              <td className="words">{user.accounts.join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {asking?.kind === 'new' && <EditUser known={users ?? []} onClose={close} />}
      {asking?.kind === 'edit' && <EditUser before={asking.user} known={users ?? []} onClose={close} />}
      {asking?.kind === 'suspend' && (
        <ChangeDialog
          title={t('admin.user.suspendTitle', { user: asking.user.user })}
          confirm={t('admin.user.suspendTitle', { user: asking.user.user })}
          what={t('admin.user.suspendWhat', { user: asking.user.user })}
          warning={asking.user.user === self ? t('admin.user.suspendSelf') : undefined}
          change={{ kind: 'suspend', user: asking.user.user }}
          onClose={close}
        />
      )}
      {asking?.kind === 'resume' && (
        <ChangeDialog
          title={t('admin.user.resumeTitle', { user: asking.user.user })}
          confirm={t('admin.user.resumeTitle', { user: asking.user.user })}
          what={t('admin.user.resumeWhat', { user: asking.user.user })}
          change={{ kind: 'resume', user: asking.user.user }}
          onClose={close}
        />
      )}
      {asking?.kind === 'massCancel' && <AskMassCancel user={asking.user} onClose={close} />}
    </>
  );
}

function AskMassCancel({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useT();
  const instruments = useAppSelector((s) => s.market.instruments);
  const [symbol, setSymbol] = useState('');
  const everything = t('admin.user.everything');
  const title = t('admin.user.massCancelTitle', { user: user.user });
  return (
    <ChangeDialog
      title={title}
      confirm={title}
      what={t('admin.user.massCancelWhat', { user: user.user, accounts: user.accounts.join(', '), symbol: symbol || everything })}
      change={{ kind: 'massCancel', user: user.user, symbol }}
      onClose={onClose}
    >
      {(problemAt) => (
        <ChoiceField
          label={t('admin.trade.symbol')}
          name="symbol"
          value={symbol}
          choices={[['', everything] as const, ...Object.keys(instruments).map((one) => [one, one] as const)]}
          onChange={setSymbol}
          problem={problemAt('symbol')}
        />
      )}
    </ChangeDialog>
  );
}
