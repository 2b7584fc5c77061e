/** Changes that a user asks for, and the control plane's absence: none of them may cost a request. */
import { helm, inflict, pause, waitFor } from '../commands.js';
import { someWorker } from '../faulted-nodes.js';
import { isReady } from '../kubernetes.js';
import type { Trial } from '../trial.js';

const controlPlaneDownMs = 60_000;

/** Looks at the workers all the while and remembers how many were not ready at once. */
function watchUnready(trial: Trial): { stop: () => Promise<number> } {
  let worst = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const pods = await trial.kubernetes.pods('worker').catch(() => null);
      const cluster = await trial.kubernetes.cluster().catch(() => null);
      const wanted = cluster?.spec.workers ?? 0;
      if (pods !== null) worst = Math.max(worst, wanted - pods.filter(isReady).length);
      await pause(500);
    }
  })();
  return {
    async stop() {
      over.abort();
      await watching;
      return worst;
    },
  };
}

async function waitForImage(trial: Trial, image: string): Promise<void> {
  await waitFor(`all workers on ${image}`, 300_000, async () => {
    const pods = await trial.kubernetes.pods('worker');
    const done = pods.every((pod) => isReady(pod) && pod.spec.containers[0]?.image === image);
    return done ? true : undefined;
  });
}

/** To the next image, or back where it is the present one. */
export async function upgrade(trial: Trial): Promise<void> {
  const { image, nextImage } = trial.installation;
  const pods = await trial.kubernetes.pods('worker');
  const isNext = pods.every(({ spec }) => spec.containers[0]?.image === nextImage);
  return rolledOut(trial, 'rolling upgrade', isNext ? image : nextImage, (to) => trial.helmUpgrade([], to));
}

export function rollback(trial: Trial): Promise<void> {
  const { namespace, release } = trial.kubernetes;
  return rolledOut(trial, 'helm rollback', trial.installation.image, async () => {
    await helm(['rollback', release, '--namespace', namespace]);
  });
}

function rolledOut(
  trial: Trial,
  scenario: string,
  image: string,
  begin: (image: string) => Promise<void>,
): Promise<void> {
  return trial.underLoad(scenario, { failsNothing: true, retries: 1 }, async () => {
    const unready = watchUnready(trial);
    const harmedAt = performance.now();
    try {
      await begin(image);
      await waitForImage(trial, image);
    } finally {
      await unready.stop();
    }
    const worst = await unready.stop();
    const problems = worst > 1 ? [`${worst} workers were not ready at once`] : [];
    const tookS = Math.round((performance.now() - harmedAt) / 1_000);
    return { harmedAt, problems, remarks: [`${tookS} s, at most ${worst} not ready`] };
  });
}

/** As a user would do it, by helm: the operators get the broken image too. */
export function brokenUpgrade(trial: Trial): Promise<void> {
  return trial.underLoad('broken image, then a good one', { failsNothing: true, retries: 1 }, async () => {
    const { kubernetes, installation } = trial;
    const harmedAt = performance.now();
    const repository = installation.image.slice(0, installation.image.lastIndexOf(':'));
    await trial.helmUpgrade([], `${repository}:does-not-exist`);
    const message = await waitFor('a status that says so', 180_000, async () => {
      const found = await kubernetes.condition('Degraded');
      return found?.status === 'True' && found.reason === 'UpgradeStopped' ? found.message : undefined;
    });
    await pause(10_000);
    const ready = (await kubernetes.pods('worker')).filter(isReady).length;
    const { spec } = await kubernetes.cluster();
    await trial.helmUpgrade([]);
    await waitForImage(trial, installation.image);
    const problems =
      ready < spec.workers - 1 ? [`only ${ready} workers were ready under the broken image`] : [];
    return { harmedAt, problems, remarks: [message.slice(0, 160)] };
  });
}

/** Larger disks: the claims ask for them, or the status says why that cannot be. */
export function grow(trial: Trial): Promise<void> {
  return trial.underLoad('larger volumes', { failsNothing: true, retries: 0 }, async () => {
    const { kubernetes } = trial;
    const size = '11Gi';
    const harmedAt = performance.now();
    await trial.helmUpgrade(['--set', `cluster.storage.size=${size}`]);
    const remark = await waitFor('larger volumes, or why not', 60_000, async () => {
      const { items } = await kubernetes.get<ClaimList>('pvc');
      const asked = items.filter(({ spec }) => spec.resources.requests.storage === size).length;
      if (asked > 0 && asked === items.length) return `${asked} claims ask for ${size}`;
      const { status, message } = (await kubernetes.condition('Degraded')) ?? {};
      return status === 'True' && message?.includes(`cannot grow to ${size}`) === true ? message : undefined;
    });
    return { harmedAt, remarks: [remark.slice(0, 200)] };
  });
}

interface ClaimList {
  items: { spec: { resources: { requests: { storage: string } } } }[];
}

/** Nothing is changed, though much is asked for; what is lost is failed over all the same. */
export function paused(trial: Trial): Promise<void> {
  return trial.underLoad('paused', { unavailableMsMax: 2_000 }, async () => {
    const { kubernetes, installation } = trial;
    const problems: string[] = [];
    await trial.helmUpgrade(['--set', 'cluster.paused=true', '--set', 'cluster.workers=5']);
    await pause(5_000);
    const before = await kubernetes.pods('worker');
    const { metadata } = await someWorker(kubernetes);
    const harmedAt = performance.now();
    await kubernetes.deletePod(metadata.name);
    await pause(10_000);
    const after = await kubernetes.pods('worker');
    if (after.length !== before.length) problems.push(`${before.length} workers became ${after.length}`);
    const images = new Set(after.map(({ spec }) => spec.containers[0]?.image));
    if (images.size !== 1) problems.push(`images ${[...images].join(', ')} while paused`);
    await trial.helmUpgrade(['--set', 'cluster.paused=false']);
    await waitForImage(trial, installation.image);
    return { harmedAt, problems };
  });
}

export function scale(trial: Trial): Promise<void> {
  return trial.underLoad('scale 4 → 6 → 4', { failsNothing: true, retries: 0 }, async () => {
    const { kubernetes } = trial;
    const harmedAt = performance.now();
    const remarks: string[] = [];
    for (const workers of [6, 4]) {
      const startedAt = performance.now();
      await kubernetes.kubectl(['scale', `kv/${kubernetes.release}`, `--replicas=${workers}`]);
      await waitFor(`${workers} workers`, 60_000, async () => {
        const { spec } = await kubernetes.cluster();
        return spec.workers === workers ? true : undefined;
      });
      await kubernetes.waitUntilSettled(300_000);
      remarks.push(`to ${workers}: ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    }
    return { harmedAt, remarks };
  });
}

export function controlPlaneDown(trial: Trial): Promise<void> {
  return trial.underLoad('API server down for 60 s', { failsNothing: true }, async () => {
    const harmedAt = performance.now();
    await inflict('API_STOP');
    await pause(controlPlaneDownMs);
    await inflict('API_START');
    return { harmedAt };
  });
}
