// The admin page over the dock, which stays as it is below. Nobody else's screen loads it.
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
