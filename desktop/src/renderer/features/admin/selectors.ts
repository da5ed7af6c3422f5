// What the rest of the screen may know of the admin page, and who may do what on it.
import type { RootState } from '../../app/store';
import { type Act, isStaff, mayDo } from './rights';

export const selectStaff = (state: RootState): boolean => isStaff(state.session.user?.roles);

/** Whether the admin page lies over the desk. */
export const selectAdminShown = (state: RootState): boolean => state.admin.open && selectStaff(state);

export const selectMay =
  (act: Act) =>
  (state: RootState): boolean =>
    mayDo(state.session.user?.roles, act);
