/** All scenarios in the order in which they run, each with the faults that it needs commands for. */
import type { Fault } from '../commands.js';
import type { Trial } from '../trial.js';
import { brokenUpgrade, controlPlaneDown, grow, paused, rollback, scale, upgrade } from './changes.js';
import { helmTest, install, pastedCommands, reinstall } from './installation.js';
import { cutOff, goneForGood, powerLost, powerLostWithOperator } from './node-loss.js';
import { operatorsKilled } from './operator-loss.js';
import { podDeleted, processKilled, volumeDeleted } from './worker-loss.js';

export interface Scenario {
  /** As it is asked for on the command line. */
  name: string;
  needs: Fault[];
  run: (trial: Trial) => Promise<void>;
  /** Makes sense again while operators are killed at random. */
  isRepeated?: boolean;
}

export const scenarios: Scenario[] = [
  { name: 'install', needs: [], run: install },
  { name: 'helm-test', needs: [], run: helmTest },
  { name: 'pasted', needs: [], run: pastedCommands },
  { name: 'pod-deleted', needs: [], run: podDeleted, isRepeated: true },
  { name: 'process-killed', needs: ['NODE_EXEC'], run: processKilled, isRepeated: true },
  { name: 'volume-deleted', needs: [], run: volumeDeleted, isRepeated: true },
  { name: 'upgrade', needs: [], run: upgrade, isRepeated: true },
  { name: 'rollback', needs: [], run: rollback },
  { name: 'broken-upgrade', needs: [], run: brokenUpgrade },
  { name: 'scale', needs: [], run: scale, isRepeated: true },
  { name: 'paused', needs: [], run: paused },
  { name: 'grow', needs: [], run: grow },
  { name: 'operators-killed', needs: ['NODE_EXEC'], run: operatorsKilled },
  { name: 'power-lost', needs: ['NODE_KILL', 'NODE_START'], run: powerLost, isRepeated: true },
  { name: 'power-lost-with-operator', needs: ['NODE_KILL', 'NODE_START'], run: powerLostWithOperator },
  { name: 'cut-off', needs: ['NODE_CUT', 'NODE_HEAL'], run: cutOff, isRepeated: true },
  { name: 'control-plane-down', needs: ['API_STOP', 'API_START'], run: controlPlaneDown },
  {
    name: 'gone-for-good',
    needs: ['NODE_KILL', 'NODE_DELETE', 'NODE_START'],
    run: goneForGood,
    isRepeated: true,
  },
  { name: 'reinstall', needs: [], run: reinstall },
];
