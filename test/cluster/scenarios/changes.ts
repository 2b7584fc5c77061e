/** Changes that a user asks for, and the control plane's absence: none of them may cost a request. */
import { inflict, pause, waitFor } from '../commands.js';
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

export function upgrade(trial: Trial): Promise<void> {
  return trial.underLoad('rolling upgrade', { failsNothing: true, retries: 1 }, async () => {
    const { nextImage } = trial.installation;
    const unready = watchUnready(trial);
    const harmedAt = performance.now();
    try {
      await trial.helmUpgrade([], nextImage);
      await waitForImage(trial, nextImage);
    } finally {
      trial.say('  rolled');
    }
    const worst = await unready.stop();
    const problems = worst > 1 ? [`${worst} workers were not ready at once`] : [];
    const tookS = Math.round((performance.now() - harmedAt) / 1_000);
    return { harmedAt, problems, remarks: [`${tookS} s, at most ${worst} not ready`] };
  });
}

export function brokenUpgrade(trial: Trial): Promise<void> {
  return trial.underLoad('broken image, then a good one', { failsNothing: true, retries: 1 }, async () => {
    const { kubernetes, installation } = trial;
    const harmedAt = performance.now();
    const repository = installation.image.slice(0, installation.image.lastIndexOf(':'));
    const patch = (image: string) =>
      kubernetes.kubectl([
        'patch',
        'kv',
        kubernetes.release,
        '--type=merge',
        '-p',
        JSON.stringify({ spec: { image } }),
      ]);
    await patch(`${repository}:does-not-exist`);
    const message = await waitFor('a status that says so', 180_000, async () => {
      const found = await kubernetes.condition('Degraded');
      return found?.status === 'True' && /image|pull|rollout|upgrade/i.test(found.message)
        ? found.message
        : undefined;
    });
    await pause(10_000);
    const ready = (await kubernetes.pods('worker')).filter(isReady).length;
    const { spec } = await kubernetes.cluster();
    await patch(installation.image);
    await waitForImage(trial, installation.image);
    const problems =
      ready < spec.workers - 1 ? [`only ${ready} workers were ready under the broken image`] : [];
    return { harmedAt, problems, remarks: [message] };
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
