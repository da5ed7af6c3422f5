// Words of the application, in every language.

export const en = {
  'app.title': 'Todoku',
  'app.failed': 'This screen failed and shows nothing rather than something old.',
  'app.reload': 'Load it again',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'app.title': '届く Todoku',
  'app.failed': '画面に障害が発生しました。古い情報を表示しないよう停止しています。',
  'app.reload': '再読み込み',
};
