/** Every alert, in the order in which the rules file and the table have them. */
import type { AlertGroup } from './alert.js';
import { availabilityAlerts } from './alerts/availability.js';
import { controlAlerts } from './alerts/control.js';
import { durabilityAlerts } from './alerts/durability.js';
import { latencyAlerts } from './alerts/latency.js';
import { resourceAlerts } from './alerts/resources.js';

export const alertGroups: readonly AlertGroup[] = [
  availabilityAlerts,
  durabilityAlerts,
  latencyAlerts,
  resourceAlerts,
  controlAlerts,
];
