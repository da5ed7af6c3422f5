// Words of the application, in every language.

export const en = {
  'app.title': 'Todoku',
  'app.failed': 'This screen has failed. Nothing is shown, because it could be out of date.',
  'app.reload': 'Reload',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'app.title': '届く Todoku',
  'app.failed': '画面に障害が発生しました。古い情報を表示しないよう停止しています。',
  'app.reload': '再読み込み',
};
