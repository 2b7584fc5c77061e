/**
 * Every write that the operator makes for a cluster's objects. A picture may be old when a plan is made from
 * it, so what could do harm is founded on what the API server says at that moment, and carries the version
 * that it was founded on.
 */
import type { LoadResult } from '../ports.js';
import type { ApiObject, StatefulSet } from './api-objects.js';
import { explain, isNotFound } from './api-transport.js';
import type { ApiReply, ApiRequest, ApiTransport } from './api-transport.js';
import { parseKvorumCluster } from './cluster-spec.js';
import type { DesiredObject } from './desired-objects.js';
import { fieldManager } from './field-owner.js';
import { namesOf } from './object-names.js';
import { holdersOf, restartAnnotation } from './observation.js';
import type { Observation, RestartMark } from './observation.js';
import type { RolloutStep } from './plan-rollout.js';
import type { ScalePlan } from './plan-scale.js';
import type { Growth } from './plan-volumes.js';
import type { KvorumClusterStatus } from './plan-status.js';
import type { LostVolume } from './plan-lost-volumes.js';
import type { Withdrawal } from './plan-withdrawals.js';
import { nodePath, objectPath } from './resource-paths.js';
import type { Resource } from './resource-paths.js';

/** `later`: the picture was old, or there was no answer; `refused`: the API server does not take it. */
export interface Outcome {
  type: 'done' | 'later' | 'refused';
  reason: string;
}

const done: Outcome = { type: 'done', reason: '' };
const later = (reason: string): Outcome => ({ type: 'later', reason });

export interface ClusterActionsOptions {
  transport: ApiTransport;
  namespace: string;
  cluster: string;
  loadRing: (done: (result: LoadResult) => void) => void;
}

export class ClusterActions {
  constructor(private readonly options: ClusterActionsOptions) {}

  async apply({ resource, name, body }: DesiredObject): Promise<Outcome> {
    const path = objectPath(resource, this.options.namespace, name);
    return outcomeOf(await this.send(applyRequest(path, body)));
  }

  /**
   * Made or changed only if it still is what the plan was made from; shrunk only past workers that hold
   * nothing.
   */
  async applyStatefulSet(
    desired: DesiredObject,
    observation: Observation,
    scale: ScalePlan,
  ): Promise<{ outcome: Outcome; applied: StatefulSet | null }> {
    const path = objectPath('statefulsets', this.options.namespace, desired.name);
    const [current, problem] = await Promise.all([
      this.send({ method: 'GET', path }),
      this.whyNotFor(observation),
    ]);
    const not = (outcome: Outcome) => ({ outcome, applied: null });
    if (problem !== '') return not(later(problem));
    const absent = isNotFound(current, desired.name);
    if (!absent && current.type !== 'done') return not(later(explain(current)));
    const there = current.type === 'done' ? (current.body as StatefulSet) : null;
    const seen = observation.statefulSet;
    if ((there?.metadata?.uid ?? '') !== (seen?.metadata?.uid ?? ''))
      return not(later('the StatefulSet is another one'));
    if ((there?.spec?.replicas ?? 0) !== (seen?.spec?.replicas ?? 0))
      return not(later('its replicas were changed'));
    if (scale.shrinks) {
      const holding = await this.whoHoldsBeyond(scale.replicas);
      if (holding !== '') return not(later(holding));
    }
    const { resourceVersion } = there?.metadata ?? {};
    const body = resourceVersion === undefined ? desired.body : withVersion(desired.body, resourceVersion);
    const reply = await this.send(applyRequest(path, body));
    return { outcome: outcomeOf(reply), applied: reply.type === 'done' ? (reply.body as StatefulSet) : null };
  }

  async restartStep(step: RolloutStep, observation: Observation): Promise<Outcome> {
    switch (step.type) {
      case 'mark':
        return this.writeMark(observation, step.mark);
      case 'unmark':
        return this.writeMark(observation, null);
      case 'deletePod': {
        const problem = (await this.whyNotFor(observation)) || (await this.isMarkedElse(observation));
        if (problem !== '') return later(problem);
        const { id, uid, resourceVersion } = step;
        const path = objectPath('pods', this.options.namespace, id);
        const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
        return outcomeOf(await this.send({ method: 'DELETE', path, body }));
      }
    }
  }

  async grow({ claim, to }: Growth): Promise<Outcome> {
    const path = objectPath('persistentvolumeclaims', this.options.namespace, claim);
    const body = { spec: { resources: { requests: { storage: to } } } };
    return outcomeOf(await this.send(patchRequest(path, body)));
  }

  /** The claim first: the new pod then comes with a new one. */
  async replaceVolume(lost: LostVolume, observation: Observation): Promise<Outcome> {
    const problem = (await this.whyNotFor(observation)) || (await this.isNodeThere(lost.node));
    if (problem !== '') return later(problem);
    const { claim, claimUid, worker, podUid } = lost;
    const gone = await this.removeExactly('persistentvolumeclaims', claim, claimUid);
    return gone.type === 'done' ? this.removeExactly('pods', worker, podUid) : gone;
  }

  /** Only if nobody has changed the pod since: what its kubelet says of it counts for more. */
  async withdraw({ pod, resourceVersion, conditions }: Withdrawal): Promise<Outcome> {
    const path = `${objectPath('pods', this.options.namespace, pod)}/status`;
    return outcomeOf(
      await this.send(patchRequest(path, { metadata: { resourceVersion }, status: { conditions } })),
    );
  }

  private async removeExactly(resource: Resource, name: string, uid: string): Promise<Outcome> {
    const path = objectPath(resource, this.options.namespace, name);
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    return outcomeOf(await this.send({ method: 'DELETE', path, body }));
  }

  private async isNodeThere(node: string): Promise<string> {
    const reply = await this.send({ method: 'GET', path: nodePath(node) });
    return isNotFound(reply, node) ? '' : `it is not certain that ${node} is gone`;
  }

  async writeStatus(status: KvorumClusterStatus): Promise<Outcome> {
    const { namespace, cluster } = this.options;
    const path = `${objectPath('kvorumclusters', namespace, cluster)}/status`;
    return outcomeOf(await this.send(patchRequest(path, { status })));
  }

  private async writeMark({ statefulSet }: Observation, mark: RestartMark | null): Promise<Outcome> {
    const { name = '', resourceVersion = '' } = statefulSet?.metadata ?? {};
    const annotations = { [restartAnnotation]: mark === null ? null : `${mark.pod}/${mark.uid}` };
    const path = objectPath('statefulsets', this.options.namespace, name);
    return outcomeOf(await this.send(patchRequest(path, { metadata: { resourceVersion, annotations } })));
  }

  /** Why nothing may be done any more for the cluster as it was seen; '' if all is as it was. */
  private async whyNotFor({ cluster }: Observation): Promise<string> {
    const { namespace, cluster: name } = this.options;
    const reply = await this.send({ method: 'GET', path: objectPath('kvorumclusters', namespace, name) });
    if (reply.type !== 'done') return explain(reply);
    const now = parseKvorumCluster(reply.body as ApiObject, null);
    if (now.uid !== cluster.uid || now.deleted)
      return 'the KvorumCluster is another one, or is being deleted';
    return now.generation === cluster.generation ? '' : 'the KvorumCluster was changed';
  }

  /** The turn has passed to another pod since. */
  private async isMarkedElse({ statefulSet }: Observation): Promise<string> {
    const { name = '' } = statefulSet?.metadata ?? {};
    const reply = await this.send({
      method: 'GET',
      path: objectPath('statefulsets', this.options.namespace, name),
    });
    if (reply.type !== 'done') return explain(reply);
    const now = (reply.body as StatefulSet).metadata?.annotations?.[restartAnnotation];
    const seen = statefulSet?.metadata?.annotations?.[restartAnnotation];
    return now === seen ? '' : 'the turn has passed to another pod';
  }

  private async whoHoldsBeyond(replicas: number): Promise<string> {
    const result = await new Promise<LoadResult>((resolve) => this.options.loadRing(resolve));
    if (result.status !== 'loaded') return 'the ring cannot be read';
    const names = namesOf(this.options.cluster);
    const holding = [...holdersOf(names, result.record)].filter((ordinal) => ordinal >= replicas);
    return holding.length === 0 ? '' : `${names.workers}-${Math.max(...holding)} still holds replicas`;
  }

  private send(request: ApiRequest): Promise<ApiReply> {
    return this.options.transport.request(request);
  }
}

function applyRequest(path: string, body: object): ApiRequest {
  const query = { fieldManager, force: 'true' };
  return { method: 'PATCH', path, query, body, contentType: 'application/apply-patch+yaml' };
}

function patchRequest(path: string, body: object): ApiRequest {
  const query = { fieldManager };
  return { method: 'PATCH', path, query, body, contentType: 'application/merge-patch+json' };
}

function withVersion(body: object, resourceVersion: string): object {
  const { metadata } = body as { metadata: object };
  return { ...body, metadata: { ...metadata, resourceVersion } };
}

/** 4xx, but for those that pass: conflicts, too many requests, time-outs. */
export function outcomeOf(reply: ApiReply): Outcome {
  if (reply.type === 'done') return done;
  const passing =
    reply.type === 'unanswered' || [404, 408, 409, 429].includes(reply.status) || reply.status >= 500;
  return { type: passing ? 'later' : 'refused', reason: explain(reply) };
}
