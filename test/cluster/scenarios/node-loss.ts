/** A node is lost: its power, its cable, for a while or for good. */
import { inflict, pause, waitFor } from '../commands.js';
import { someWorker, victimNode, waitForNode } from '../faulted-nodes.js';
import type { LoadCall } from '../history-of-load.js';
import { isGood } from '../history-of-load.js';
import { Load } from '../load.js';
import { operatorLossMsMax } from '../trial.js';
import type { Trial } from '../trial.js';

const nodeLossMsMax = 5_000;
const downMs = 40_000;

export function powerLost(trial: Trial): Promise<void> {
  return trial.underLoad('node power loss', { unavailableMsMax: nodeLossMsMax }, () =>
    powerLoss(trial, false),
  );
}

export function powerLostWithOperator(trial: Trial): Promise<void> {
  const expectation = { unavailableMsMax: operatorLossMsMax };
  return trial.underLoad('node power loss, with active operator', expectation, () => powerLoss(trial, true));
}

async function powerLoss(trial: Trial, withOperator: boolean) {
  const node = await victimNode(trial, withOperator);
  const workers = await workersOn(trial, node);
  const harmedAt = performance.now();
  await inflict('NODE_KILL', node);
  await pause(downMs);
  await inflict('NODE_START', node);
  await waitForNode(trial.kubernetes, node);
  return { harmedAt, remarks: [`${node} with ${workers} workers, down for ${downMs / 1_000} s`] };
}

/** A client inside the cut-off node asks its worker: what it is told is right, or it is told nothing. */
export function cutOff(trial: Trial): Promise<void> {
  return trial.underLoad(
    'node cut off, old primary alive',
    { unavailableMsMax: nodeLossMsMax },
    async (plan) => {
      const { kubernetes } = trial;
      const node = await victimNode(trial, false);
      const workers = await workersOn(trial, node);
      const worker = await someWorker(kubernetes, node);
      const inside = await Load.deploy(kubernetes, 'load-inside', node, trial.installation.image);
      const targets = [{ host: worker.status.podIP ?? '', port: 8080 }];
      // The same keys; values of its own.
      await inside.start({ ...plan, targets, ratePerSecond: 40, valuePrefix: 'inside' });
      await pause(2_000);
      const harmedAt = performance.now();
      await inflict('NODE_CUT', node);
      await pause(downMs);
      await inflict('NODE_HEAL', node);
      await waitForNode(kubernetes, node);
      const furtherCalls = await waitFor('the history of the client inside', 90_000, () =>
        inside.stop(false),
      );
      await kubernetes.kubectl(['delete', 'pod', 'load-inside', '--grace-period=1', '--wait=false']);
      return { harmedAt, furtherCalls, ...told(furtherCalls, `${node} with ${workers} workers`) };
    },
  );
}

async function workersOn({ kubernetes }: Trial, node: string): Promise<number> {
  return (await kubernetes.pods('worker')).filter(({ spec }) => spec.nodeName === node).length;
}

function told(calls: LoadCall[], node: string) {
  const good = calls.filter(isGood).length;
  const problems = good === 0 ? ['the client inside had no good answer even before the cut'] : [];
  return { problems, remarks: [`${node}; inside: ${calls.length} calls, ${good} good`] };
}

export async function goneForGood(trial: Trial): Promise<void> {
  await trial.underLoad('node gone for good', { unavailableMsMax: nodeLossMsMax }, async () => {
    const node = await victimNode(trial, false);
    const harmedAt = performance.now();
    await inflict('NODE_KILL', node);
    await inflict('NODE_DELETE', node);
    const remarks = [node];
    // Every key on all its replicas, although workers are missing for as long as the node's disks are.
    await waitFor('full replication on the nodes that are left', 300_000, async () => {
      const { status } = await trial.kubernetes.cluster();
      const { total, fullyReplicated } = status?.partitions ?? {};
      return total !== undefined && total === fullyReplicated && performance.now() - harmedAt > 15_000
        ? true
        : undefined;
    });
    remarks.push(`all partitions whole after ${Math.round((performance.now() - harmedAt) / 1_000)} s`);
    await inflict('NODE_START', node);
    await waitForNode(trial.kubernetes, node);
    return { harmedAt, remarks };
  });
}
