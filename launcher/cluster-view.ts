/** What the controller says of the cluster, asked over HTTP as any client could. */

export interface WorkerView {
  id: string;
  state: string;
  primaries: number;
  replicas: number;
}

export interface ClusterView {
  phase: string;
  awaited: string;
  /** Every partition can be read and written. */
  isUsable: boolean;
  isFullyReplicated: boolean;
  workers: WorkerView[];
}

const timeoutMs = 1_000;

/** Null if the controller does not answer. */
export async function readClusterView(controllerUrl: string): Promise<ClusterView | null> {
  try {
    const response = await fetch(`${controllerUrl}/v1/status`, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return null;
    return viewOf(await response.json());
  } catch {
    return null;
  }
}

function viewOf(status: unknown): ClusterView | null {
  if (typeof status !== 'object' || status === null) return null;
  const { phase, awaited, partitions, workers } = status as Record<string, unknown>;
  if (typeof partitions !== 'object' || partitions === null || !Array.isArray(workers)) return null;
  const { total, withoutQuorum, fullyReplicated } = partitions as Record<string, number>;
  const exists = total !== undefined && total > 0;
  return {
    phase: String(phase),
    awaited: String(awaited),
    isUsable: exists && withoutQuorum === 0,
    isFullyReplicated: exists && fullyReplicated === total,
    workers: workers as WorkerView[],
  };
}
