// A table of many rows; only the visible ones are in the document. It can be sorted, filtered,
// exported and used by keyboard alone, and stores its columns and sorting.
import './blotter.css';
import {
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  type ColumnDef,
  createSortedRowModel,
  type Header,
  rowSortingFeature,
  tableFeatures,
  type Updater,
  useTable,
} from '@tanstack/react-table';
import { type KeyboardEvent, type ReactNode, useCallback, useMemo, useState } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { fontScale } from '../settings/slice';
import { type Key, useT } from '../../i18n';
import { smallScreen, useMedia } from '../../ui/useMedia';
import { Age } from '../market/Age';
import type { HistoryState } from '../orders/slice';
import { byNumber, byText, type Column, everything, passes } from './columns';
import { saveFile, toCSV } from './csv';
import { defaultLook, narrowest, readLook, tableKey, type TableLook, widest, writeLook } from './keep';
import { Rows } from './Rows';
import { readText, storeText } from '../../ui/store';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), columnVisibilityFeature, columnSizingFeature, columnResizingFeature });

export interface BlotterProps<R extends object> {
  /** Names its stored settings and the exported file. */
  id: string;
  title: Key;
  rows: readonly R[];
  columns: readonly Column<R>[];
  rowKey: (row: R) => string;
  /** The side and the symbol of a row, for the filters. */
  facts: (row: R) => { side: Side; symbol: string };
  /** There is no filter by side. */
  sideless?: boolean;
  empty: Key;
  /** Additional filters. */
  tools?: ReactNode;
  /** Loads older rows from history. */
  history?: { state: HistoryState; onOlder: () => void };
  /** Enter, or a double click. */
  onOpen?: (row: R) => void;
  /** Delete. */
  onDelete?: (row: R) => void;
  /** The row needs the user's attention. */
  rowState?: (row: R) => string | undefined;
}

const resolve = <T,>(updater: Updater<T>, before: T): T => (typeof updater === 'function' ? (updater as (old: T) => T)(before) : updater);

function useLook(id: string, columns: readonly Column<never>[]): [TableLook, (change: (look: TableLook) => TableLook) => void] {
  const user = useAppSelector((s) => s.session.user?.user ?? '');
  const key = tableKey(user, id);
  const [look, setLook] = useState(() => {
    const text = readText(key);
    const stored = readLook(text, columns.map((column) => column.id));
    return text === null ? { ...stored, hidden: columns.filter((column) => column.hidden).map((column) => column.id) } : stored;
  });
  const change = useCallback(
    (next: (look: TableLook) => TableLook) =>
      setLook((before) => {
        const after = next(before);
        storeText(key, writeLook(after));
        return after;
      }),
    [key],
  );
  return [look, change];
}

export function Blotter<R extends object>(props: BlotterProps<R>) {
  const { id, title, rows, columns, rowKey, facts, sideless = false, empty, tools, history, onOpen, onDelete, rowState } = props;
  const t = useT();
  const [look, change] = useLook(id, columns as readonly Column<never>[]);
  const [filter, setFilter] = useState(everything);
  const scale = useAppSelector((s) => fontScale[s.settings.fontSize]);
  const rowHeight = Math.round((useMedia(smallScreen) ? 40 : 24) * scale);

  const filtered = filter.text.trim() !== '' || filter.side !== Side.UNSPECIFIED || filter.symbol !== '';
  const data = useMemo(
    () => (filtered ? rows.filter((row) => passes(filter, facts(row), () => columns.map((column) => column.value(row)))) : (rows as R[])),
    [rows, filter, filtered, columns, facts],
  );
  const symbols = useMemo(() => [...new Set(rows.map((row) => facts(row).symbol).filter(Boolean))].toSorted(), [rows, facts]);
  const defs = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, R> => {
        const order = column.kind === 'number' ? byNumber : byText;
        return {
          id: column.id,
          accessorFn: column.value,
          header: column.title,
          size: Math.round(column.width * scale),
          minSize: narrowest,
          maxSize: widest,
          enableSorting: column.kind !== 'actions',
          sortFn: (a, b) => order(column.value(a.original), column.value(b.original)),
        };
      }),
    [columns, scale],
  );
  const table = useTable({
    features,
    columns: defs,
    data,
    getRowId: rowKey,
    columnResizeMode: 'onChange',
    state: { sorting: look.sorting, columnSizing: look.widths, columnVisibility: Object.fromEntries(look.hidden.map((one) => [one, false])) },
    onSortingChange: (updater) => change((before) => ({ ...before, sorting: resolve(updater, before.sorting) })),
    onColumnSizingChange: (updater) => change((before) => ({ ...before, widths: resolve(updater, before.widths) })),
    onColumnVisibilityChange: (updater) =>
      change((before) => ({
        ...before,
        hidden: Object.entries(resolve(updater, Object.fromEntries(before.hidden.map((one) => [one, false]))))
          .filter(([, visible]) => !visible)
          .map(([one]) => one),
      })),
  });
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const shown = table.getRowModel().rows;
  const visible = useMemo(() => columns.filter((column) => !look.hidden.includes(column.id)), [columns, look.hidden]);
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const sizes = headers.map((header) => `${header.getSize()}px`).join(' ');
  const { state: historyState, onOlder } = history ?? {};
  const save = (): void => {
    const exported = visible.filter((column) => column.kind !== 'actions');
    saveFile(
      id,
      toCSV(
        exported,
        shown.map((row) => exported.map((column) => column.value(row.original))),
      ),
    );
  };

  return (
    <div className="blotter">
      <div className="tools">
        <input type="search" aria-label={t('blotter.search')} placeholder={t('blotter.search')} value={filter.text} onChange={(event) => setFilter({ ...filter, text: event.target.value })} />
        <select aria-label={t('column.symbol')} value={filter.symbol} onChange={(event) => setFilter({ ...filter, symbol: event.target.value })}>
          <option value="">{t('blotter.allSymbols')}</option>
          {symbols.map((symbol) => (
            <option key={symbol}>{symbol}</option>
          ))}
        </select>
        {!sideless && (
          <select aria-label={t('column.side')} value={filter.side} onChange={(event) => setFilter({ ...filter, side: Number(event.target.value) as Side })}>
            <option value={Side.UNSPECIFIED}>{t('blotter.bothSides')}</option>
            <option value={Side.BUY}>{t('side.buy')}</option>
            <option value={Side.SELL}>{t('side.sell')}</option>
          </select>
        )}
        {tools}
        <Age />
        <span className="spacer" />
        <span className="count" role="status">
          {filtered ? t('blotter.countOf', { n: shown.length, all: rows.length }) : t('blotter.count', { n: shown.length })}
        </span>
        <details className="columns">
          <summary>{t('blotter.columns')}</summary>
          <div className="menu">
            {table.getAllLeafColumns().map((column) => (
              <label key={column.id}>
                <input type="checkbox" checked={column.getIsVisible()} onChange={(event) => column.toggleVisibility(event.target.checked)} />
                {byId.get(column.id)?.title}
              </label>
            ))}
            <button type="button" onClick={() => change(() => ({ ...defaultLook, hidden: columns.filter((column) => column.hidden).map((column) => column.id) }))}>
              {t('blotter.resetColumns')}
            </button>
          </div>
        </details>
        <button type="button" disabled={shown.length === 0} onClick={save}>
          {t('blotter.csv')}
        </button>
      </div>
      <Rows
        label={t(title)}
        rows={shown}
        columns={visible}
        sizes={sizes}
        width={table.getTotalSize()}
        rowHeight={rowHeight}
        rowState={rowState}
        onOpen={onOpen}
        onDelete={onDelete}
        // With a filter older rows are loaded only on request, because few of them may match.
        onEnd={historyState === 'more' && !filtered ? onOlder : undefined}
        head={
          <div className="head" role="rowgroup">
            <div role="row" className="row" aria-rowindex={1} style={{ gridTemplateColumns: sizes }}>
              {headers.map((header) => (
                <Head key={header.id} header={header} column={byId.get(header.column.id)!} />
              ))}
            </div>
          </div>
        }
        foot={
          <>
            {shown.length === 0 && (filtered || (historyState !== 'loading' && historyState !== 'more')) && <p className="empty">{filtered ? t('blotter.nothingFound') : t(empty)}</p>}
            {historyState && <Older state={historyState} ask={historyState === 'failed' || (historyState === 'more' && filtered)} onOlder={onOlder} />}
          </>
        }
      />
    </div>
  );
}

function Head<R extends object>({ header, column }: { header: Header<typeof features, R>; column: Column<R> }) {
  const t = useT();
  const sorted = header.column.getIsSorted();
  const resize = header.getResizeHandler();
  const size = header.getSize();
  const widen = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 16 : event.key === 'ArrowLeft' ? -16 : 0;
    if (step === 0) return;
    event.preventDefault();
    const to = Math.max(narrowest, Math.min(widest, size + step));
    header.getContext().table.setColumnSizing((before) => ({ ...before, [column.id]: to }));
  };
  return (
    <div role="columnheader" className={column.kind ?? ''} aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none'}>
      {column.kind === 'actions' ? (
        <span className="title">{column.title}</span>
      ) : (
        <button type="button" className="title" onClick={header.column.getToggleSortingHandler()}>
          {column.title}
          <span aria-hidden="true">{sorted === 'asc' ? ' ▲' : sorted === 'desc' ? ' ▼' : ''}</span>
        </button>
      )}
      <span
        className="edge"
        role="slider"
        tabIndex={0}
        aria-label={t('blotter.width', { column: column.title })}
        aria-valuenow={size}
        aria-valuemin={narrowest}
        aria-valuemax={widest}
        onMouseDown={resize}
        onTouchStart={resize}
        onKeyDown={widen}
      />
    </div>
  );
}

function Older({ state, ask, onOlder }: { state: HistoryState; ask: boolean; onOlder: (() => void) | undefined }) {
  const t = useT();
  return (
    <p className="older" role="status">
      {t(`blotter.history.${state}`)}
      {ask && (
        <button type="button" onClick={onOlder}>
          {t(state === 'failed' ? 'blotter.again' : 'blotter.older')}
        </button>
      )}
    </p>
  );
}
