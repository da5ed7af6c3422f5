// A table's column widths, hidden columns and sorting, stored for each user in this browser.
export interface TableLook {
  /** Pixels, by column. */
  widths: Record<string, number>;
  /** Ids of columns that are not shown. */
  hidden: string[];
  sorting: { id: string; desc: boolean }[];
}

export const defaultLook: TableLook = { widths: {}, hidden: [], sorting: [] };

export const tableKey = (user: string, table: string): string => `todoku.table.${user}.${table}`;

/** The narrowest and widest a column can be. */
export const narrowest = 40;
export const widest = 800;

/** Reads the stored settings; unknown values and columns that no longer exist are ignored. */
export function readLook(text: string | null, columns: readonly string[]): TableLook {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? 'null');
  } catch {
    return defaultLook;
  }
  if (typeof stored !== 'object' || stored === null) return defaultLook;
  const { version, widths, hidden, sorting } = stored as Record<string, unknown>;
  if (version !== 1) return defaultLook;
  const known = (id: unknown): id is string => typeof id === 'string' && columns.includes(id);
  return {
    widths: Object.fromEntries(Object.entries(typeof widths === 'object' && widths !== null ? widths : {}).filter(([id, width]) => known(id) && typeof width === 'number' && width >= narrowest && width <= widest)) as Record<string, number>,
    hidden: Array.isArray(hidden) ? hidden.filter(known) : [],
    sorting: Array.isArray(sorting) ? sorting.filter((one: unknown): one is { id: string; desc: boolean } => isSorting(one) && known(one.id)) : [],
  };
}

function isSorting(one: unknown): one is { id: string; desc: boolean } {
  return typeof one === 'object' && one !== null && typeof (one as { desc?: unknown }).desc === 'boolean' && 'id' in one;
}

export function writeLook(look: TableLook): string {
  return JSON.stringify({ version: 1, ...look });
}
