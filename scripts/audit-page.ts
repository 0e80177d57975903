// A page in Chromium as its readers meet it: what axe finds, light and dark, and whether it is wider than a phone. For tests.
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { find } from "./find-or-install.ts";
import { projectRoot } from "./tracked-sources.ts";

const axe = () => readFileSync(path.join(projectRoot, "node_modules/axe-core/axe.min.js"), "utf8");

export function launchChromium(): Promise<Browser> {
  const args = "--headless --no-sandbox --disable-gpu --disable-background-networking".split(" ");
  return chromium.launch({ executablePath: find("chromium")!, args });
}

/** @returns a line for each violation of axe, and for each width at which the page has to be scrolled sideways; empty where all is well */
export async function auditPage(browser: Browser, url: string, prepare?: (page: Page) => Promise<unknown>): Promise<string[]> {
  // The page's own policy would keep axe out.
  const context = await browser.newContext({ bypassCSP: true, viewport: { width: 390, height: 844 } });
  try {
    const page = await context.newPage();
    await page.goto(url);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    await prepare?.(page);
    await page.evaluate(axe());
    const found: string[] = [];
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const wider = Number(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"));
      if (wider > 0) found.push(`${width} px: ${wider} px wider than the screen`);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        // What does not depend on colours and width is looked at once.
        const rules =
          width === 390 && colorScheme === "light" ? "{}" : '{ runOnly: ["color-contrast", "scrollable-region-focusable"] }';
        const violations = (await page.evaluate(
          `axe.run(document, ${rules}).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")))`,
        )) as string[];
        found.push(...violations.map((violation) => `${width} px, ${colorScheme}: ${violation}`));
      }
    }
    return found;
  } finally {
    await context.close();
  }
}
