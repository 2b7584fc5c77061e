/**
 * The live page in a browser, over a real cluster: a worker is killed, and the page shows what becomes of it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { ProcessCluster } from '../process/cluster.js';
import { launchChromium, WatchedPage } from './chromium.js';

jest.setTimeout(300_000);

const waitMs = 120_000;
const keys = 40;
let browser: Browser;
let cluster: ProcessCluster;
const open: WatchedPage[] = [];

beforeAll(async () => {
  cluster = await ProcessCluster.start(['--partitions', '64', '--replacement-delay', '4s', '--no-restart']);
  browser = await launchChromium();
  await write();
});
afterAll(async () => {
  await browser.close();
  await cluster.stop();
});
afterEach(async () => {
  for (const page of open.splice(0)) await page.close();
});

async function write(): Promise<void> {
  const { workers } = await cluster.status();
  const url = workers.find(({ state }) => state === 'ready')?.url ?? '';
  for (let key = 0; key < keys; key += 1) {
    await fetch(`${url}/v1/kv/key-${key}`, { method: 'PUT', body: `value ${key}` });
  }
}

const themes = ['light', 'dark'] as const;
const widths = [390, 1_440];

async function view(colorScheme: 'light' | 'dark', width: number): Promise<WatchedPage> {
  const watched = await WatchedPage.open(browser, `${cluster.controller}/`, {
    colorScheme,
    viewport: { width, height: 844 },
  });
  open.push(watched);
  await watched.page.locator('body[data-link="live"]').waitFor({ timeout: waitMs });
  return watched;
}

async function expectNothingWrong(watched: WatchedPage): Promise<void> {
  expect(await watched.policyViolations()).toEqual([]);
  expect(watched.complaints).toEqual([]);
}

describe('the live page', () => {
  it.each(themes.flatMap((theme) => widths.map((width) => [theme, width] as const)))(
    'can be used by everyone, in the %s theme at %d px',
    async (theme, width) => {
      const watched = await view(theme, width);
      const { page } = watched;
      await page.locator('body[data-condition="healthy"]').waitFor({ timeout: waitMs });
      await page.fill('#key', 'user-{42}/cart');
      await page.getByRole('button', { name: 'worker-1' }).click();
      expect(await watched.axeViolations()).toEqual([]);
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      await expectNothingWrong(watched);
    },
  );

  it('says where a key lives as the workers do', async () => {
    const { page } = await view('light', 1_440);
    for (const key of ['greeting', 'user-{42}/cart', 'naïve ключ']) {
      await page.fill('#key', key);
      const { partition, primary } = await cluster.explain(encodeURIComponent(key));
      await page.getByText(new RegExp(`^Partition ${partition}: .*Primary ${primary}, `)).waitFor();
    }
    expect(await page.locator('#key-answer').innerText()).not.toContain('tag');
  });

  it('is reached by keyboard, all of it', async () => {
    const { page } = await view('dark', 1_440);
    const reached: string[] = [];
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate<string>(
          '(({ id, className, textContent }) => id || className.baseVal || textContent)(document.activeElement)',
        ),
      );
    }
    const workers = ['worker-1', 'worker-2', 'worker-3', 'worker-4'];
    expect(reached.slice(0, 8)).toEqual([
      'Skip to the workers',
      'dial-drawing',
      'key',
      ...workers,
      'events-scroll',
    ]);
    await page.locator('.dial-drawing').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^Partition 1: /).waitFor();
    expect(await page.locator('.dial-drawing').getAttribute('aria-valuetext')).toMatch(/^Partition 1: /);
    await page.getByRole('button', { name: 'worker-3' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.lane.dim').first().waitFor();
    expect(await page.locator('.lane.dim').count()).toBe(3);
  });

  it('shows a failover and the way back to full replication without a reload', async () => {
    const watched = await view('light', 1_440);
    const { page } = watched;
    await page.locator('body[data-condition="healthy"]').waitFor({ timeout: waitMs });
    await page.evaluate('globalThis.neverReloaded = true');
    const { primary } = await cluster.explain('key-1');
    const row = page.locator('tr', { has: page.getByRole('button', { name: primary }) });
    process.kill(await cluster.pidOf(primary), 'SIGKILL');
    await row.getByText('lost', { exact: true }).waitFor({ timeout: waitMs });
    const events = page.locator('#event-list');
    await events.getByText(`${primary} is lost: `).waitFor({ timeout: waitMs });
    await events
      .getByText(/^(Warning: )?Failover of \d+ partitions? in \d+ ms$/)
      .first()
      .waitFor({ timeout: waitMs });
    await page.locator('#work-list').getByText(`${primary} is away`).waitFor({ timeout: waitMs });
    await page.locator('.work[data-kind="copy"]').first().waitFor({ timeout: waitMs });
    await events
      .getByText(/^All 64 partitions are fully replicated, after /)
      .first()
      .waitFor({ timeout: waitMs });
    await page.locator('body[data-condition="healthy"]').waitFor({ timeout: waitMs });
    expect(await row.locator('td.replicas').innerText()).toBe('0');
    await write();
    await page.locator('.chart-drawing .p50').waitFor({ timeout: waitMs });
    expect(await page.evaluate('globalThis.neverReloaded')).toBe(true);
    await expectNothingWrong(watched);
    expect(await watched.axeViolations()).toEqual([]);
  });

  it('says when the controller is gone, and goes on when it is back', async () => {
    const { page } = await view('dark', 390);
    const pid = await cluster.controllerPid();
    process.kill(pid, 'SIGSTOP');
    await page.locator('body[data-link="lost"]').waitFor({ timeout: waitMs });
    await page.getByText('No connection to the controller').waitFor();
    process.kill(pid, 'SIGCONT');
    await page.locator('body[data-link="live"]').waitFor({ timeout: waitMs });
    await page.getByText('No connection to the controller').waitFor({ state: 'hidden' });
  });
});
