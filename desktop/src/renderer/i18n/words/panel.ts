// Words of panels, in every language.

export const en = {
  'panel.instruments': 'Instruments',
  'panel.depth': 'Depth',
  'panel.prints': 'Trades',
  'panel.orders': 'Working orders',
  'panel.ticket': 'Order ticket',
  'panel.ladder': 'Ladder',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'panel.instruments': '銘柄',
  'panel.depth': '板',
  'panel.prints': '歩み値',
  'panel.orders': '注文一覧',
  'panel.ticket': '注文',
  'panel.ladder': '板発注',
};
