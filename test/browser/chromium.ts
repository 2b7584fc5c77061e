/**
 * The system's Chromium, driven by playwright-core, and what a page must not do: complain, or break its
 * policy.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const places = [
  process.env.KVORUM_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export function launchChromium(): Promise<Browser> {
  const executablePath = places.find((place) => place !== '' && existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      'no Chromium found: install it (apt-get install chromium), or name it in KVORUM_CHROMIUM',
    );
  }
  // Tests may run as root in a container, where Chromium's own sandbox cannot.
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

interface AxeResults {
  passes: unknown[];
  violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[];
}

const rulesMin = 20;
/** Tests may share a small machine. */
const patienceMs = 120_000;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Runs in the page, before anything of its own. */
const noteViolations = `
  globalThis.policyViolations = [];
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    globalThis.policyViolations.push(violatedDirective + ' ' + blockedURI);
  });
`;

/** A page, and everything that it complained of. */
export class WatchedPage {
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(`thrown: ${error.message}`));
    page.on('requestfailed', (request) => {
      // A stream that is closed with its page ends this way.
      if (!request.url().includes('/page/stream')) this.complaints.push(`failed: ${request.url()}`);
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions): Promise<WatchedPage> {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    const watched = new WatchedPage(await context.newPage());
    watched.page.setDefaultTimeout(patienceMs);
    await watched.page.addInitScript({ content: noteViolations });
    await watched.page.goto(url);
    return watched;
  }

  /** Violations of the Content-Security-Policy, as the browser saw them. */
  policyViolations(): Promise<string[]> {
    return this.page.evaluate(
      () => (globalThis as unknown as { policyViolations: string[] }).policyViolations,
    );
  }

  /** What axe-core finds wrong, a line each. */
  async axeViolations(): Promise<string[]> {
    // By the debugger, which the page's policy does not bind.
    await this.page.evaluate(axeSource);
    const { passes, violations } = await this.page.evaluate(() => {
      const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeResults> } };
      return axe.run();
    });
    // A page in which there is nothing to judge passes everything.
    if (passes.length < rulesMin) return [`only ${passes.length} rules apply`];
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${JSON.stringify(target)} ${failureSummary ?? ''}`),
    );
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
