/** Every dashboard. */
import type { Dashboard } from './dashboards/dashboard.js';
import { overview } from './dashboards/overview.js';
import { workerDashboard } from './dashboards/worker.js';

export const dashboards: readonly Dashboard[] = [overview, workerDashboard];
