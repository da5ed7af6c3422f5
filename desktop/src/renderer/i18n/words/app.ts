// Words of the application, in every language.

export const en = {
  'app.title': 'Todoku',
  'app.failed': 'This screen has failed. Nothing is shown, because it could be out of date.',
  'app.reload': 'Reload',
  'app.notLoaded': 'This part of the screen could not be loaded. It is tried again automatically. If the venue was updated, reload the page.',
  'app.retry': 'Try again',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'app.title': '届く Todoku',
  'app.failed': '画面に障害が発生しました。古い情報を表示しないよう停止しています。',
  'app.reload': '再読み込み',
  'app.notLoaded': '画面のこの部分を読み込めませんでした。自動的に再試行します。取引所が更新された場合は、ページを再読み込みしてください。',
  'app.retry': '再試行',
};
