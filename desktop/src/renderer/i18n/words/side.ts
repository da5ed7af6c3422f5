// Words of sides, in every language.

export const en = {
  'side.buy': 'Buy',
  'side.sell': 'Sell',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'side.buy': '買',
  'side.sell': '売',
};
