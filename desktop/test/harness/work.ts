// Counts the work of a page by its own events, so that the counts are the same on any machine:
// dispatches in a frame, rows that React rendered, and nodes of the document that changed.
import type { BrowserContext, Page } from 'playwright-core';

/** What a page did since the last call of takeWork, or since it was loaded. */
export interface Work {
  /** Actions with messages from the stream. */
  arrivals: number;
  /** Most dispatches in one frame; see most. */
  dispatchesInAFrame: number;
  /** The frame that had most dispatches, as text. */
  most: string;
  /** Rows of tables and of the ladder that React rendered. */
  rowsRendered: number;
  /** Those that changed nothing in the document: unnecessary work. */
  rowsUnchanged: number;
  /** Most renders of one row after one dispatch. */
  rendersOfARow: number;
  /** Nodes of the document that changed, were added or removed, outside of rows. */
  nodesOutsideRows: number;
  /** Rows rendered, by panel. */
  rowsIn: Record<string, number>;
}

interface Counted {
  /** When each frame began, and what was dispatched. */
  frames: number[];
  dispatches: { at: number; type: string }[];
  rowsRendered: number;
  rowsUnchanged: number;
  rendersOfARow: number;
  nodesOutsideRows: number;
  rowsIn: Record<string, number>;
}

/** The part of React's internal component state that its developer tools use, also in production builds. */
interface Fiber {
  tag: number;
  flags: number;
  stateNode: unknown;
  alternate: Fiber | null;
  child: Fiber | null;
  sibling: Fiber | null;
}

/** Counts in every page that the context opens from now on. */
export async function countWork(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const row = 'tr, [role=row]';
    const [functionComponent, memoComponent, hostComponent, performedWork] = [0, 15, 5, 1];
    const nothing = (): Counted => ({ frames: [], dispatches: [], rowsRendered: 0, rowsUnchanged: 0, rendersOfARow: 0, nodesOutsideRows: 0, rowsIn: {} });
    const held = { counted: nothing(), nothing };
    (window as unknown as { work: typeof held }).work = held;

    // Requested in the frame before, this callback runs first in each frame. The frame's own
    // timestamp may be earlier than the end of the frame before.
    const frame = (): void => {
      held.counted.frames.push(performance.now());
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);

    let sinceDispatch = new Map<Element, number>();
    const mark = performance.mark.bind(performance);
    performance.mark = (name, options) => {
      if (name === 'todoku: dispatch') {
        held.counted.dispatches.push({ at: performance.now(), type: String(options?.detail) });
        sinceDispatch = new Map();
      }
      return mark(name, options);
    };

    const changes = new MutationObserver(() => undefined);
    addEventListener('DOMContentLoaded', () => changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true }));

    /** The row that a component draws, if it draws one. */
    const rowOf = ({ tag, child }: Fiber): Element | undefined =>
      (tag === functionComponent || tag === memoComponent) && child?.tag === hostComponent && (child.stateNode as Element).matches(row) ? (child.stateNode as Element) : undefined;
    // Like React's developer tools: a component that was not rendered is the same object, or lacks the flag.
    const visit = (fiber: Fiber, before: Fiber | null, rendered: Element[]): void => {
      if (!before || (fiber.flags & performedWork) !== 0) {
        const element = rowOf(fiber);
        if (element) rendered.push(element);
      }
      if (before && fiber.child === before.child) return;
      for (let child = fiber.child; child; child = child.sibling) {
        const { alternate } = child;
        if (before && alternate) visit(child, alternate, rendered);
        else visit(child, null, rendered);
      }
    };
    const committed = (root: Fiber): void => {
      const { counted } = held;
      const changed = new Set<Element>();
      for (const { target, addedNodes } of changes.takeRecords()) {
        const element = target instanceof Element ? target : target.parentElement;
        const within = element?.closest(row);
        if (within) changed.add(within);
        for (const node of addedNodes) if (node instanceof Element && node.matches(row)) changed.add(node);
        if (!within) counted.nodesOutsideRows += 1;
      }
      const rendered: Element[] = [];
      visit(root, root.alternate, rendered);
      for (const element of rendered) {
        counted.rowsRendered += 1;
        const times = (sinceDispatch.get(element) ?? 0) + 1;
        sinceDispatch.set(element, times);
        counted.rendersOfARow = Math.max(counted.rendersOfARow, times);
        const panel = element.closest('[data-panel]')?.getAttribute('data-panel') ?? '';
        counted.rowsIn[panel] = (counted.rowsIn[panel] ?? 0) + 1;
        if (!changed.has(element)) counted.rowsUnchanged += 1;
      }
    };
    Object.assign(window, {
      __REACT_DEVTOOLS_GLOBAL_HOOK__: {
        renderers: new Map(),
        supportsFiber: true,
        inject: () => 1,
        checkDCE: () => undefined,
        onCommitFiberRoot: (_id: number, { current }: { current: Fiber }) => committed(current),
        onCommitFiberUnmount: () => undefined,
        onPostCommitFiberRoot: () => undefined,
      },
    });
  });
}

/** What the page did since the last call. */
export async function takeWork(page: Page): Promise<Work> {
  const { frames, dispatches, ...counted } = await page.evaluate(() => {
    const { work } = window as unknown as { work: { counted: Counted; nothing: () => Counted } };
    const taken = work.counted;
    work.counted = work.nothing();
    return taken;
  });
  return { ...counted, arrivals: dispatches.filter(({ type }) => type === 'feed/received').length, ...busiestFrame(frames, dispatches) };
}

/** How many arrivals from the stream the page has dispatched since the last takeWork. */
export function arrivals(page: Page): Promise<number> {
  return page.evaluate(() => (window as unknown as { work: { counted: Counted } }).work.counted.dispatches.filter(({ type }) => type === 'feed/received').length);
}

/** A page without frames dispatches arrivals every 250 ms. */
const withoutFramesMs = 250;

/** The frame with most dispatches; in a long frame one for each 250 ms is not counted. */
export function busiestFrame(frames: readonly number[], dispatches: Counted['dispatches']): Pick<Work, 'dispatchesInAFrame' | 'most'> {
  const inFrame = new Map<number, string[]>();
  let frame = 0;
  for (const { at, type } of dispatches) {
    while (frame + 1 < frames.length && frames[frame + 1]! <= at) frame += 1;
    inFrame.set(frame, [...(inFrame.get(frame) ?? []), type]);
  }
  const found = { dispatchesInAFrame: 0, most: '' };
  for (const [at, types] of inFrame) {
    const length = (frames[at + 1] ?? frames[at]!) - frames[at]!;
    const count = types.length - Math.floor(length / withoutFramesMs);
    if (count > found.dispatchesInAFrame)
      Object.assign(found, { dispatchesInAFrame: count, most: `${types.join(', ')} in a frame of ${length.toFixed(0)} ms, number ${at} of ${frames.length}` });
  }
  return found;
}
