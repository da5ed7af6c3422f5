// Shows the admin page over the dock, which stays mounted. Other users do not load its code.
import { lazy, Suspense } from 'react';
import { useAppSelector } from '../../app/hooks';
import { selectAdminShown } from './selectors';

const AdminPage = lazy(() => import('./AdminPage'));

export function AdminOver() {
  const shown = useAppSelector(selectAdminShown);
  if (!shown) return null;
  return (
    <Suspense fallback={null}>
      <AdminPage />
    </Suspense>
  );
}
