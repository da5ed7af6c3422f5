// Asks axe-core what of a page keeps somebody out.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { desktop } from './venue';

const source = readFileSync(path.join(desktop, 'node_modules/axe-core/axe.min.js'), 'utf8');

interface Axe {
  run(context: string, options: RunOptions): Promise<AxeResults>;
}

/** What is serious or critical within an element, a line each, with where it is. */
export async function violations(page: Page, within = 'html'): Promise<string[]> {
  // By the debugger, which the content security policy does not hold back.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  const found = await page.evaluate(
    async (context) => {
      const { violations: all } = await (window as unknown as { axe: Axe }).axe.run(context, { resultTypes: ['violations'] });
      return all.flatMap(({ id, impact, nodes }) => nodes.map((node) => ({ id, impact, at: node.target.join(' '), why: node.failureSummary ?? '' })));
    },
    within,
  );
  return found.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, at, why }) => `${id} at ${at}: ${why.replaceAll(/\s+/g, ' ')}`);
}
