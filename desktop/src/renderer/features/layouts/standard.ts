// The standard layout: prices left, the book in the middle, order entry right, blotters below.
import type { SerializedDockview } from 'dockview-react';

/** Regions of the standard layout. market and record exist only on wide screens. */
export type Place = 'list' | 'book' | 'ladder' | 'market' | 'entry' | 'blotter' | 'record';

/** The width from which a screen is wide, CSS pixels. */
export const wideFrom = 1_600;

interface Region {
  places: readonly Place[];
  /** Its share of the enclosing row or column. */
  share: number;
}

interface Plan {
  /** Rows of regions, and their shares of the height. */
  rows: readonly { share: number; regions: readonly Region[] }[];
  /** The region beside all rows, over the whole height, for the tall ticket. */
  beside: Region;
}

const narrow: Plan = {
  rows: [
    {
      share: 60,
      regions: [
        { places: ['list'], share: 33 },
        { places: ['book', 'market'], share: 33 },
        { places: ['ladder'], share: 34 },
      ],
    },
    { share: 40, regions: [{ places: ['blotter', 'record'], share: 100 }] },
  ],
  beside: { places: ['entry'], share: 22 },
};

const wide: Plan = {
  rows: [
    {
      share: 62,
      regions: [
        { places: ['list'], share: 21 },
        { places: ['book'], share: 21 },
        { places: ['ladder'], share: 22 },
        { places: ['market'], share: 36 },
      ],
    },
    {
      share: 38,
      regions: [
        { places: ['blotter'], share: 54 },
        { places: ['record'], share: 46 },
      ],
    },
  ],
  beside: { places: ['entry'], share: 17 },
};

type Node = SerializedDockview['grid']['root'] & { size: number };

/** The standard layout for a dock of this size, in the dock's format. */
export function standardLayout(kinds: Readonly<Record<string, { place?: Place }>>, width: number, height: number): SerializedDockview {
  const ids = Object.keys(kinds);
  const shown: string[] = [];
  let groups = 0;
  const leaf = ({ places }: Region): Node | undefined => {
    const views = ids.filter((id) => places.includes(kinds[id]?.place as Place));
    if (views.length === 0) return undefined;
    groups += 1;
    shown.push(...views);
    return { type: 'leaf', size: 0, data: { id: String(groups), views, activeView: views[0]! } };
  };
  /** Joins the existing ones beside or above each other, with these shares of the size in pixels. */
  const branch = (parts: readonly { share: number; node: Node | undefined }[], pixels: number): Node | undefined => {
    const there = parts.filter((part): part is { share: number; node: Node } => part.node !== undefined);
    const whole = there.reduce((sum, { share }) => sum + share, 0);
    if (there.length === 0) return undefined;
    for (const { share, node } of there) node.size = Math.round((pixels * share) / whole);
    return { type: 'branch', size: 0, data: there.map(({ node }) => node) };
  };
  const { rows, beside } = width >= wideFrom ? wide : narrow;
  const inner = (width * (100 - beside.share)) / 100;
  const stacked = branch(
    rows.map(({ share, regions }) => ({ share, node: branch(regions.map((region) => ({ share: region.share, node: leaf(region) })), inner) })),
    height,
  );
  const root = branch(
    [
      { share: 100 - beside.share, node: stacked },
      { share: beside.share, node: leaf(beside) },
    ],
    width,
  );
  return {
    grid: { root: root ?? { type: 'branch', data: [] }, width, height, orientation: 'HORIZONTAL' as SerializedDockview['grid']['orientation'] },
    panels: Object.fromEntries(shown.map((id) => [id, { id, contentComponent: id }])),
    activeGroup: '1',
  };
}
