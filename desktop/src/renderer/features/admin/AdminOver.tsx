// Shows the admin page over the dock, which stays mounted. Other users do not load its code.
import type { ReactNode } from 'react';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { part } from '../../ui/part';
import { selectAdminShown } from './selectors';

const AdminPage = part(() => import('./AdminPage'), InsteadOfPage);

function InsteadOfPage({ children }: { children: ReactNode }) {
  const t = useT();
  return (
    <main className="admin" aria-label={t('admin.title')}>
      {children}
    </main>
  );
}

export function AdminOver() {
  const shown = useAppSelector(selectAdminShown);
  return shown ? <AdminPage /> : null;
}
