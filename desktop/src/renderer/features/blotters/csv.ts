// Tables as comma-separated values (RFC 4180), for spreadsheets: UTF-8 with the mark that
// Excel wants, numbers exact, and no cell that a spreadsheet would take for a formula.

const number = /^[+-]?[0-9]+(\.[0-9]+)?$/;

/** What a spreadsheet runs as a formula begins with one of these. */
const formula = /^[\s]*[=+\-@\t\r＝＋－＠]/;

function cell(text: string): string {
  const safe = !number.test(text) && formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCSV(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return `\ufeff${[header, ...rows].map((line) => `${line.map(cell).join(',')}\r\n`).join('')}`;
}

/** Hands a text to the user as a file, named by what it is and by the second. */
export function saveFile(what: string, text: string): void {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `todoku-${what}-${stamp}.csv`;
  link.click();
  // The browser has taken it by then; without this it would stay as long as the page.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
