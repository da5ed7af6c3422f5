// Finds accessibility violations of a page with axe-core.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { desktop } from './venue';

const source = readFileSync(path.join(desktop, 'node_modules/axe-core/axe.min.js'), 'utf8');

interface Axe {
  run(context: string, options: RunOptions): Promise<AxeResults>;
}

/** The rules whose result depends on colours. */
export const colourRules = ['color-contrast', 'link-in-text-block'];

/**
 * Serious and critical violations within an element, one line each, with their place. Without
 * rules it checks all that axe runs by default.
 */
export async function violations(page: Page, within = 'html', rules?: string[]): Promise<string[]> {
  // Through the debugger, which the content security policy does not restrict.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  const found = await page.evaluate(
    async ([context, only]) => {
      const options: RunOptions = { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) };
      const { violations: all } = await (window as unknown as { axe: Axe }).axe.run(context, options);
      return all.flatMap(({ id, impact, nodes }) => nodes.map((node) => ({ id, impact, at: node.target.join(' '), why: node.failureSummary ?? '' })));
    },
    [within, rules] as const,
  );
  return found.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, at, why }) => `${id} at ${at}: ${why.replaceAll(/\s+/g, ' ')}`);
}
