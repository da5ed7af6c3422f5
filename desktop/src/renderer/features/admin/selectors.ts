// Whether the admin page is shown, and what the user may do on it.
import type { RootState } from '../../app/store';
import { type Act, isStaff, mayDo } from './rights';

export const selectStaff = (state: RootState): boolean => isStaff(state.session.user?.roles);

/** Whether the admin page is shown over the desk. */
export const selectAdminShown = (state: RootState): boolean => state.admin.open && selectStaff(state);

export const selectMay =
  (act: Act) =>
  (state: RootState): boolean =>
    mayDo(state.session.user?.roles, act);
