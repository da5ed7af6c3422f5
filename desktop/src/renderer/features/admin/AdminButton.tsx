// The button that opens and closes the admin page, for users who may see it.
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { selectStaff } from './selectors';
import { admin } from './slice';

export function AdminButton() {
  const t = useT();
  const dispatch = useAppDispatch();
  const staff = useAppSelector(selectStaff);
  const open = useAppSelector((s) => s.admin.open);
  if (!staff) return null;
  return (
    <button type="button" onClick={() => dispatch(open ? admin.closed() : admin.opened())}>
      {t(open ? 'admin.back' : 'admin.title')}
    </button>
  );
}
