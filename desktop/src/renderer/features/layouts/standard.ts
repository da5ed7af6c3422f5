// How the panels stand when nobody has moved them: prices left, the book in the middle,
// what enters orders right, blotters below.
import type { SerializedDockview } from 'dockview-react';

/** Regions of the standard layout. market and record have one of their own on wide screens only. */
export type Place = 'list' | 'book' | 'ladder' | 'market' | 'entry' | 'blotter' | 'record';

/** From here on, CSS pixels, a screen is wide. */
export const wideFrom = 1_600;

interface Region {
  places: readonly Place[];
  /** Share of the row. */
  share: number;
}

const narrow: Region[][] = [
  [
    { places: ['list'], share: 25 },
    { places: ['book', 'market'], share: 27 },
    { places: ['ladder'], share: 26 },
    { places: ['entry'], share: 22 },
  ],
  [{ places: ['blotter', 'record'], share: 100 }],
];

const wide: Region[][] = [
  [
    { places: ['list'], share: 18 },
    { places: ['book'], share: 18 },
    { places: ['ladder'], share: 18 },
    { places: ['market'], share: 30 },
    { places: ['entry'], share: 16 },
  ],
  [
    { places: ['blotter'], share: 52 },
    { places: ['record'], share: 48 },
  ],
];

/** How much of the height the upper row has. */
const upper = 0.62;

/** The layout of panels for a dock of this size, as the dock reads it. */
export function standardLayout(kinds: Readonly<Record<string, { place?: Place }>>, width: number, height: number): SerializedDockview {
  const ids = Object.keys(kinds);
  const rows = (width >= wideFrom ? wide : narrow)
    .map((regions) =>
      regions
        .map(({ places, share }) => ({ share, views: ids.filter((id) => places.includes(kinds[id]?.place as Place)) }))
        .filter(({ views }) => views.length > 0),
    )
    .filter((regions) => regions.length > 0);
  let groups = 0;
  const data = rows.map((regions, row) => {
    const whole = regions.reduce((sum, { share }) => sum + share, 0);
    return {
      type: 'branch' as const,
      size: rows.length === 1 ? height : Math.round(height * (row === 0 ? upper : 1 - upper)),
      data: regions.map(({ views, share }) => {
        groups += 1;
        return { type: 'leaf' as const, size: Math.round((width * share) / whole), data: { id: String(groups), views, activeView: views[0]! } };
      }),
    };
  });
  return {
    grid: { root: { type: 'branch', data, size: width }, width, height, orientation: 'VERTICAL' as SerializedDockview['grid']['orientation'] },
    panels: Object.fromEntries(rows.flatMap((regions) => regions.flatMap(({ views }) => views.map((id) => [id, { id, contentComponent: id }])))),
    activeGroup: '1',
  };
}
