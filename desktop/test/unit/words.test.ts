// Every text is in i18n/words in both languages, and every text there is used.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vite';
import { catalogues, type Key } from '../../src/renderer/i18n';

const root = path.resolve(import.meta.dirname, '../../src/renderer');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) && !name.startsWith(path.join('i18n', 'words')));

interface Node {
  type: string;
  [field: string]: unknown;
}

function walk(node: unknown, see: (node: Node) => void): void {
  if (Array.isArray(node)) for (const one of node) walk(one, see);
  else if (typeof node === 'object' && node !== null) {
    if ('type' in node && typeof node.type === 'string') see(node as Node);
    for (const value of Object.values(node)) walk(value, see);
  }
}

const trees = files.map((name) => ({ name, tree: parseAst(readFileSync(path.join(root, name), 'utf8'), { lang: name.endsWith('x') ? 'tsx' : 'ts' }) }));

/** Attributes that users see or hear. */
const spoken = new Set(['aria-label', 'aria-description', 'aria-roledescription', 'aria-valuetext', 'title', 'placeholder', 'alt', 'label']);
const letters = /\p{L}/u;

/** The texts in an attribute's value or between tags. */
function textsOf(node: unknown): unknown[] {
  const { type, expression, value, quasis } = (node ?? { type: '' }) as Node;
  if (type === 'JSXExpressionContainer') return textsOf(expression);
  if (type === 'TemplateLiteral') return (quasis as { value: { raw: string } }[]).map((part) => part.value.raw);
  return type === 'Literal' || type === 'JSXText' ? [value] : [];
}

/** Names that are the same in every language. */
const names = new Set(['grpc.http2.min_time_between_pings_ms', 'grpc.http2.max_pings_without_data', 'TradingView', 'p50', 'p90', 'p99']);

test('no view contains a text', () => {
  const found: string[] = [];
  for (const { name, tree } of trees)
    walk(tree, (node) => {
      const check = (text: unknown): void => {
        if (typeof text === 'string' && letters.test(text) && !names.has(text.trim()) && !Object.hasOwn(catalogues.en, text)) found.push(`${name}: ${text.trim()}`);
      };
      if (node.type === 'JSXAttribute' && spoken.has(String((node['name'] as Node)['name']))) textsOf(node['value']).forEach(check);
      if (node.type === 'JSXElement' || node.type === 'JSXFragment') (node['children'] as Node[]).flatMap(textsOf).forEach(check);
    });
  expect(found).toEqual([]);
});

const keys = Object.keys(catalogues.en) as Key[];

test('every key is used somewhere, and every key that is used exists', () => {
  const literals = new Set<string>();
  const patterns: RegExp[] = [];
  const called: string[] = [];
  for (const { name, tree } of trees)
    walk(tree, (node) => {
      if (node.type === 'Literal' && typeof node['value'] === 'string') literals.add(node['value']);
      if (node.type === 'TemplateLiteral') {
        const parts = (node['quasis'] as { value: { raw: string } }[]).map(({ value }) => value.raw);
        if (/^[a-z]\w*\./.test(parts[0] ?? '')) patterns.push(new RegExp(`^${parts.map((part) => part.replaceAll('.', '\\.')).join('.+')}$`));
      }
      if (node.type === 'CallExpression' && (node['callee'] as Node)['name'] === 't') {
        const [first] = node['arguments'] as Node[];
        if (first?.type === 'Literal' && !Object.hasOwn(catalogues.en, String(first['value']))) called.push(`${name}: ${String(first['value'])}`);
      }
    });
  expect(called).toEqual([]);
  expect(keys.filter((key) => !literals.has(key) && !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
});

test('both languages have the same keys and placeholders, and no empty text', () => {
  const holes = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();
  expect(Object.keys(catalogues.ja).toSorted()).toEqual(keys.toSorted());
  for (const key of keys) {
    expect(holes(catalogues.ja[key]), key).toEqual(holes(catalogues.en[key]));
    expect(catalogues.ja[key].trim(), key).not.toBe('');
    expect(catalogues.en[key].trim(), key).not.toBe('');
  }
});

const words = /\p{Ll}{2}/u;

test('the Japanese texts are in Japanese', () => {
  const same = keys.filter((key) => catalogues.ja[key] === catalogues.en[key] && words.test(catalogues.en[key].replaceAll(/\{\w+\}/g, '')));
  // Names of languages and makers, and abbreviations, are the same in both.
  expect(same.filter((key) => !['settings.language.en', 'settings.language.ja', 'chart.attribution'].includes(key))).toEqual([]);
});
