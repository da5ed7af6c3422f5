// Tables as comma-separated values (RFC 4180) for spreadsheets: UTF-8 with the byte order mark
// that Excel needs, exact numbers, and no cell that a spreadsheet would run as a formula.

const number = /^[+-]?[0-9]+(\.[0-9]+)?$/;

/** Spreadsheets run a cell as a formula if it begins with one of these. */
const formula = /^[\s]*[=+\-@\t\r＝＋－＠]/;

function cell(text: string): string {
  const safe = !number.test(text) && formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCSV(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return `\ufeff${[header, ...rows].map((line) => `${line.map(cell).join(',')}\r\n`).join('')}`;
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
