// The visible rows of a blotter. Scrolling renders only this component: rows that stay visible
// are not changed, and new rows reuse the elements of those that went out of view.
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react';
import type { Column } from './columns';

/** How many rows are rendered above and below the visible ones. */
const overscan = 6;
/** How close to the last row the next page is asked for. */
const soon = 20;

export interface RowsProps<R extends object> {
  label: string;
  head: ReactNode;
  foot: ReactNode;
  rows: readonly { id: string; original: R }[];
  columns: readonly Column<R>[];
  /** Of the columns, as CSS has it, and all together in pixels. */
  sizes: string;
  width: number;
  rowHeight: number;
  rowState: ((row: R) => string | undefined) | undefined;
  onOpen: ((row: R) => void) | undefined;
  onDelete: ((row: R) => void) | undefined;
  /** Called when the last rows are near; undefined if there is nothing to load. */
  onEnd: (() => void) | undefined;
}

export function Rows<R extends object>({ label, head, foot, rows, columns, sizes, width, rowHeight, rowState, onOpen, onDelete, onEnd }: RowsProps<R>) {
  const domId = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState('');
  // oxlint-disable-next-line react/incompatible-library -- it warns of the React Compiler, which is not used here
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan });
  useEffect(() => virtual.measure(), [virtual, rowHeight]);
  const items = virtual.getVirtualItems();
  const near = (items.at(-1)?.index ?? -1) >= rows.length - soon;
  useEffect(() => {
    if (near) onEnd?.();
  }, [near, onEnd, rows.length]);

  const choose = (at: number): void => {
    const to = Math.max(0, Math.min(at, rows.length - 1));
    const row = rows[to];
    if (!row) return;
    setChosen(row.id);
    virtual.scrollToIndex(to);
  };
  const keyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = rows.findIndex((row) => row.id === chosen);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const row = rows[at]?.original;
    const moves: Record<string, () => void> = {
      ArrowDown: () => choose(at + 1),
      ArrowUp: () => choose(at - 1),
      PageDown: () => choose(at + page),
      PageUp: () => choose(at - page),
      Home: () => choose(0),
      End: () => choose(rows.length - 1),
      Enter: () => row && onOpen?.(row),
      Delete: () => row && onDelete?.(row),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  };
  // When a row goes out of view, its element is reused for the one that comes into view.
  const places = Math.max(items.length, Math.ceil((virtual.scrollRect?.height ?? 0) / rowHeight) + 2 * overscan + 2);
  return (
    <div className="rows" ref={scroller}>
      <div
        className="table"
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length}
        aria-activedescendant={items.some((item) => rows[item.index]?.id === chosen) ? `${domId}-${chosen}` : undefined}
        onKeyDown={keyDown}
      >
        {head}
        <div className="body" role="rowgroup" style={{ height: virtual.getTotalSize(), width }}>
          {items.map(({ index, start }) => {
            const row = rows[index];
            if (!row) return null;
            return (
              <Row
                key={index % places}
                domId={domId}
                id={row.id}
                index={index}
                row={row.original}
                columns={columns as readonly Column<object>[]}
                sizes={sizes}
                height={rowHeight}
                start={start}
                state={rowState?.(row.original)}
                chosen={row.id === chosen}
                onChoose={setChosen}
                onOpen={onOpen as ((row: object) => void) | undefined}
              />
            );
          })}
        </div>
      </div>
      {foot}
    </div>
  );
}

interface RowProps {
  domId: string;
  id: string;
  index: number;
  row: object;
  columns: readonly Column<object>[];
  sizes: string;
  height: number;
  start: number;
  state: string | undefined;
  chosen: boolean;
  onChoose: (id: string) => void;
  onOpen: ((row: object) => void) | undefined;
}

const Row = memo(function Row({ domId, id, index, row, columns, sizes, height, start, state, chosen, onChoose, onOpen }: RowProps) {
  const choose = useCallback(() => onChoose(id), [onChoose, id]);
  return (
    <div
      id={`${domId}-${id}`}
      role="row"
      className="row"
      tabIndex={-1}
      data-row={id}
      data-state={state}
      aria-rowindex={index + 2}
      aria-selected={chosen}
      style={{ gridTemplateColumns: sizes, height, transform: `translateY(${start}px)` }}
      onMouseDown={choose}
      onDoubleClick={() => onOpen?.(row)}
    >
      {columns.map((column) => (
        <div key={column.id} role="gridcell" data-column={column.id} className={`${column.kind ?? ''} ${column.live ? 'live' : ''}`}>
          {column.cell ? column.cell(row) : column.value(row)}
        </div>
      ))}
    </div>
  );
});
