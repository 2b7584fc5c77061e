/**
 * The page of an operator that does not lead, and of one that has nothing to lead yet: no cluster behind it.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { LivePage } from '../../operator/page/live-page.js';
import { createStatusServer } from '../../operator/status-server.js';
import { SystemTimers } from '../../operator/system-timers.js';
import { createLogger } from '../../platform/logger.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { launchChromium, WatchedPage } from './chromium.js';

jest.setTimeout(180_000);

const controller = 'kv-operator-7d9f-abcde';
const other = 'kv-operator-7d9f-fghij';
let browser: Browser;
let server: Server;
let active = other;
let url = '';

beforeAll(async () => {
  const page = new LivePage({
    streamId: 'stream',
    source: { controller, suspicionMs: 1_500, sight: () => null, active: () => active },
    askWorker: () => Promise.reject(new Error('nobody')),
    timers: new SystemTimers(),
  });
  const status = () => {
    throw new Error('not asked for here');
  };
  server = createStatusServer({
    id: controller,
    source: { status, ring: () => null, pidOf: () => null, notReady: () => null },
    metrics: new Metrics(),
    logger: createLogger({ level: 'silent', format: 'json', fields: {} }),
    viewers: page.viewers,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

describe('the page of an operator without a cluster', () => {
  it.each(['light', 'dark'] as const)(
    'says who is active, then takes over, in the %s theme',
    async (colorScheme) => {
      active = other;
      const watched = await WatchedPage.open(browser, url, {
        colorScheme,
        viewport: { width: 390, height: 844 },
      });
      const { page } = watched;
      await page.getByRole('heading', { name: 'This operator stands by' }).waitFor();
      await page.getByText(`kubectl port-forward pod/${other} 7400:8080`).waitFor();
      expect(await page.locator('#parts').isVisible()).toBe(false);
      expect(await watched.axeViolations()).toEqual([]);
      active = controller;
      await page.locator('body[data-condition="starting"]').waitFor();
      await page.getByText('no ring yet').waitFor();
      expect(await page.locator('#phase').innerText()).toBe('waiting for the KvorumCluster object');
      expect(await watched.axeViolations()).toEqual([]);
      expect(await watched.policyViolations()).toEqual([]);
      expect(watched.complaints).toEqual([]);
      await watched.close();
    },
  );
});
