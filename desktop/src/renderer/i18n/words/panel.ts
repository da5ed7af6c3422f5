// Words of panels, in every language.

export const en = {
  'panel.instruments': 'Instruments',
  'panel.depth': 'Depth',
  'panel.prints': 'Trades',
  'panel.chart': 'Chart',
  'panel.orders': 'Working orders',
  'panel.executions': 'Executions',
  'panel.positions': 'Positions',
  'panel.activity': 'Activity',
  'panel.cancelAll': 'Cancel all',
  'panel.ticket': 'Order ticket',
  'panel.ladder': 'Ladder',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'panel.instruments': '銘柄',
  'panel.depth': '板',
  'panel.prints': '歩み値',
  'panel.chart': 'チャート',
  'panel.orders': '注文一覧',
  'panel.executions': '約定一覧',
  'panel.positions': '建玉一覧',
  'panel.activity': '履歴',
  'panel.cancelAll': '一括取消',
  'panel.ticket': '注文',
  'panel.ladder': '板発注',
};
