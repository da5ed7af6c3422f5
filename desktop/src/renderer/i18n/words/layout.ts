// Words of layouts, in every language.

export const en = {
  'layout.title': 'Layout',
  'layout.panels': 'Panels',
  'layout.layouts': 'Layouts',
  'layout.standard': 'Standard',
  'layout.reset': 'Reset this layout',
  'layout.delete': 'Delete this layout',
  'layout.saveAs': 'Save as a new layout',
  'layout.name': 'Name',
  'layout.save': 'Save',
  'layout.taken': 'There is a layout of this name.',
  'layout.full': 'There are {n} layouts, the maximum. Delete one.',
  'layout.done': 'Done',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'layout.title': '画面構成',
  'layout.panels': 'パネル',
  'layout.layouts': '画面構成',
  'layout.standard': '標準',
  'layout.reset': 'この画面構成を初期状態に戻す',
  'layout.delete': 'この画面構成を削除',
  'layout.saveAs': '新しい画面構成として保存',
  'layout.name': '名前',
  'layout.save': '保存',
  'layout.taken': '同じ名前の画面構成があります。',
  'layout.full': '保存できる画面構成は {n} 件までです。いずれかを削除してください。',
  'layout.done': '閉じる',
};
