// Creates a user, or changes one. Only changed fields are sent, so that two administrators who
// change different fields do not undo each other's changes.
import { useState } from 'react';
import { Role } from '../../../gen/todoku/v1/types_pb';
import { useT } from '../../i18n';
import { ChangeDialog } from './ChangeDialog';
import type { UserFields } from './changes';
import { CheckField, TextField } from './Fields';
import type { User } from './queries';
import { checkUser, namesIn, type UserDraft } from './rules';
import { roleWord, rolesWords } from './words';

const roles = [Role.TRADER, Role.VIEWER, Role.RISK, Role.ADMIN];

/** The changed fields; unchanged ones are empty. */
export function changedFields(before: User, draft: UserDraft): UserFields {
  const sameRoles = before.roles.length === draft.roles.length && draft.roles.every((role) => before.roles.includes(role));
  const accounts = namesIn(draft.accounts);
  return {
    user: before.user,
    displayName: draft.displayName === before.displayName ? '' : draft.displayName,
    roles: sameRoles ? [] : draft.roles,
    accounts: accounts.join() === before.accounts.join() ? [] : accounts,
  };
}

export function EditUser({ before, known, onClose }: { before?: User; known: readonly User[]; onClose: () => void }) {
  const t = useT();
  const [typed, setDraft] = useState<UserDraft>(() => ({
    user: before?.user ?? '',
    displayName: before?.displayName ?? '',
    roles: before?.roles ?? [],
    accounts: before?.accounts.join(', ') ?? '',
    password: '',
    again: '',
  }));
  const set = (change: Partial<UserDraft>): void => setDraft((old) => ({ ...old, ...change }));
  const draft = { ...typed, user: typed.user.trim(), displayName: typed.displayName.trim() };
  const checks = checkUser(
    draft,
    !before,
    known.map(({ user }) => user),
  );
  const fields: UserFields = before ? changedFields(before, draft) : { user: draft.user, displayName: draft.displayName, roles: draft.roles, accounts: namesIn(draft.accounts) };
  const changes = [
    ...(fields.displayName ? [`${t('admin.user.displayName')}: ${fields.displayName}`] : []),
    ...(fields.roles.length > 0 ? [`${t('admin.user.roles')}: ${rolesWords(t, fields.roles)}`] : []),
    ...(fields.accounts.length > 0 ? [`${t('admin.user.accounts')}: ${fields.accounts.join(', ')}`] : []),
    ...(draft.password ? [t('admin.user.passwordChange')] : []),
  ];
  const what = (): string | undefined => {
    if (before) return changes.length > 0 ? t('admin.user.changeWhat', { changes: changes.join('; ') }) : undefined;
    return t('admin.user.createWhat', {
      user: draft.user || '…',
      roles: rolesWords(t, fields.roles.length > 0 ? fields.roles : [Role.TRADER]),
      accounts: fields.accounts.join(', ') || draft.user || '…',
    });
  };
  return (
    <ChangeDialog
      title={before ? t('admin.user.editTitle', { user: before.user }) : t('admin.user.new')}
      confirm={t(before ? 'admin.user.change' : 'admin.user.create', { user: draft.user })}
      what={what()}
      change={{ kind: before ? 'updateUser' : 'createUser', ...fields }}
      checks={checks}
      password={draft.password}
      onClose={onClose}
    >
      {(problemAt) => (
        <div className="fields">
          {!before && (
            <TextField label={t('admin.user.user')} name="user" value={typed.user} onChange={(user) => set({ user })} hint={t('admin.user.userHint')} problem={problemAt('user', typed.user)} autoFocus />
          )}
          <TextField
            label={t('admin.user.displayName')}
            name="display_name"
            value={typed.displayName}
            onChange={(displayName) => set({ displayName })}
            hint={before ? undefined : t('admin.user.displayNameHint')}
            problem={problemAt('display_name', typed.displayName)}
          />
          <div className="field roles" role="group" aria-label={t('admin.user.roles')}>
            <span>{t('admin.user.roles')}</span>
            {roles.map((role) => (
              <CheckField
                key={role}
                label={roleWord(t, role)}
                name={`role-${role}`}
                checked={typed.roles.includes(role)}
                onChange={(on) => set({ roles: roles.filter((one) => (one === role ? on : typed.roles.includes(one))) })}
              />
            ))}
            {!before && <p className="hint">{t('admin.user.rolesHint')}</p>}
            {problemAt('roles') && <p className="problem">{problemAt('roles')}</p>}
          </div>
          <TextField
            label={t('admin.user.accounts')}
            name="accounts"
            value={typed.accounts}
            onChange={(accounts) => set({ accounts })}
            hint={t('admin.user.accountsHint')}
            problem={problemAt('accounts', typed.accounts)}
          />
          <TextField
            label={t(before ? 'admin.user.newPassword' : 'admin.user.password')}
            name="password"
            type="password"
            value={typed.password}
            onChange={(password) => set({ password })}
            hint={before ? t('admin.user.newPasswordHint') : undefined}
            problem={problemAt('password', typed.password)}
          />
          <TextField label={t('admin.user.again')} name="again" type="password" value={typed.again} onChange={(again) => set({ again })} problem={problemAt('again', typed.again)} />
        </div>
      )}
    </ChangeDialog>
  );
}
