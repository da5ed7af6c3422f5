// Tables as comma-separated values (RFC 4180) for spreadsheets: UTF-8 with the byte order mark
// that Excel needs, exact numbers, every text in quotation marks, and no cell that a spreadsheet
// would run as a formula.

const number = /^[+-]?[0-9]+(\.[0-9]+)?$/;

/**
 * Where a spreadsheet would begin a formula: at the start of a cell, also after invisible
 * characters, and after anything that some language's spreadsheets take for the end of a cell.
 */
const formula = /(?<=(?:^|[;\t\r\n])[\s\p{Cc}\p{Cf}]*)[=+\-@＝＋－＠]/gu;

function quoted(text: string): string {
  const safe = number.test(text) ? text : text.replace(formula, "'$&");
  return `"${safe.replaceAll('"', '""')}"`;
}

/** Only numbers in columns of numbers, and empty cells, are not in quotation marks. */
export function toCSV(columns: readonly { title: string; kind?: string }[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string, at: number): string => (text === '' || (columns[at]?.kind === 'number' && number.test(text)) ? text : quoted(text));
  const lines = [columns.map(({ title }) => quoted(title)), ...rows.map((row) => row.map(cell))];
  return `\ufeff${lines.map((line) => `${line.join(',')}\r\n`).join('')}`;
}

/** Downloads a text as a file, named after its content and the time. */
export function saveFile(what: string, text: string): void {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `todoku-${what}-${stamp}.csv`;
  link.click();
  // The browser has read the URL by then. Without this it would use memory until the page is closed.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
