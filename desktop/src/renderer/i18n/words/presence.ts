// Words of who is online, in every language.

export const en = {
  'presence.title': 'Who is online',
  'presence.button': 'Who is online: {n}',
  'presence.me': '{name} (you)',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'presence.title': 'オンラインのユーザー',
  'presence.button': 'オンライン：{n} 人',
  'presence.me': '{name}（自分）',
};
