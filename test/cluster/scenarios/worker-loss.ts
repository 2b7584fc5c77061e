/** A worker is lost: its pod, its process, its disk. */
import { waitFor } from '../commands.js';
import { killProcessOf, someWorker } from '../faulted-nodes.js';
import type { Trial } from '../trial.js';

interface Claims {
  items: { metadata: { name: string; uid: string } }[];
}

const processLossMsMax = 2_000;

export function podDeleted(trial: Trial): Promise<void> {
  return trial.underLoad('pod deleted by force', { unavailableMsMax: processLossMsMax }, async () => {
    const { metadata } = await someWorker(trial.kubernetes);
    const harmedAt = performance.now();
    await trial.kubernetes.deletePod(metadata.name);
    return { harmedAt, remarks: [metadata.name] };
  });
}

export function processKilled(trial: Trial): Promise<void> {
  return trial.underLoad('kill -9 of a worker', { unavailableMsMax: processLossMsMax }, async () => {
    const pod = await someWorker(trial.kubernetes);
    const harmedAt = performance.now();
    await killProcessOf(pod);
    return { harmedAt, remarks: [`${pod.metadata.name} on ${pod.spec.nodeName ?? '?'}`] };
  });
}

/** The claim goes with its pod; the new pod gets an empty volume. */
export function volumeDeleted(trial: Trial): Promise<void> {
  return trial.underLoad("a worker's volume deleted", { unavailableMsMax: processLossMsMax }, async () => {
    const { kubernetes } = trial;
    const { metadata } = await someWorker(kubernetes);
    const before = (await kubernetes.get<Claims>('pvc')).items.find((claim) =>
      claim.metadata.name.endsWith(metadata.name),
    );
    if (before === undefined) throw new Error(`${metadata.name} has no claim`);
    const { name, uid } = before.metadata;
    await kubernetes.kubectl(['delete', 'pvc', name, '--wait=false']);
    const harmedAt = performance.now();
    await kubernetes.deletePod(metadata.name);
    await waitFor('another volume', 90_000, async () => {
      const { items } = await kubernetes.get<Claims>('pvc');
      return items.some((claim) => claim.metadata.name === name && claim.metadata.uid !== uid)
        ? true
        : undefined;
    });
    return { harmedAt, remarks: [metadata.name] };
  });
}
