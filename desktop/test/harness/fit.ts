// Finds texts and numbers that do not fit their elements.
import type { Page } from 'playwright-core';

/** Elements that must never be cut off: labels, controls and numbers. */
const whole = 'button, th, td, legend, dt, h1, h2, h3, label, [role=tab], .dv-tab, .number, .badge';

/** The elements whose text is cut off, one line each, and the page if it is wider than its window. */
export function clipped(page: Page): Promise<string[]> {
  return page.evaluate((selector) => {
    const found: string[] = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide in ${innerWidth}`);
    for (const panel of document.querySelectorAll('.panel'))
      if (panel.scrollWidth > panel.clientWidth + 1) found.push(`panel ${panel.getAttribute('data-panel')} is ${panel.scrollWidth} px wide in ${panel.clientWidth}`);
    for (const element of document.querySelectorAll<HTMLElement>(selector)) {
      // Ignore elements that are hidden, are not boxes, or are for screen readers only.
      if (!element.checkVisibility() || element.clientWidth === 0 || element.clientWidth === 1) continue;
      if (element.scrollWidth <= element.clientWidth + 1 && element.scrollHeight <= element.clientHeight + 4) continue;
      const { overflowX } = getComputedStyle(element);
      if (overflowX === 'auto' || overflowX === 'scroll') continue;
      found.push(`${element.tagName.toLowerCase()}.${element.className} "${element.textContent?.slice(0, 40)}" ${element.scrollWidth}×${element.scrollHeight} in ${element.clientWidth}×${element.clientHeight}`);
    }
    return found;
  }, whole);
}
