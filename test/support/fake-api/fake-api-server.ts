/**
 * An API server in memory: versions, conflicts, preconditions, server-side apply, watches with bookmarks and
 * 410. Every state that ever was is kept, so that a test can show an operator an old one.
 */
import { applyPatch, failure, isObject, mergePatch, sameJson } from './fake-objects.js';
import type { ApiAnswer, StoredObject } from './fake-objects.js';
import { immutableProblem } from './fake-validation.js';
import { parsePath, selects } from './fake-paths.js';
import type { ObjectPath } from './fake-paths.js';

export interface FakeRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  body?: unknown;
  contentType?: string;
}

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  collection: string;
  object: StoredObject;
  version: number;
}

export type ChangeListener = (change: Change) => void;

const withoutGeneration = new Set([
  'configmaps',
  'leases',
  'events',
  'pods',
  'services',
  'nodes',
  'persistentvolumeclaims',
]);
const withStatus = new Set([
  'statefulsets',
  'kvorumclusters',
  'pods',
  'persistentvolumeclaims',
  'poddisruptionbudgets',
]);

export class FakeApiServer {
  version = 1_000;
  /** Watches from before this get 410. */
  compactedBefore = 0;
  readonly changes: Change[] = [];
  /** Volume classes that cannot grow. */
  readonly fixedClasses = new Set<string>();
  private readonly objects = new Map<string, StoredObject>();
  private readonly appliedBy = new Map<string, unknown>();
  private readonly listeners = new Set<ChangeListener>();
  private uids = 0;

  constructor(private readonly wall: () => number = () => Date.now()) {}

  listen(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  handle(request: FakeRequest): ApiAnswer {
    const path = parsePath(request.path);
    if (path === null) return failure(404, 'NotFound', 'the server could not find the requested resource');
    const { method } = request;
    if (method === 'GET')
      return path.name === null ? this.list(path, request.query) : this.get(path, path.name);
    if (method === 'POST' && path.name === null) return this.create(path, request.body);
    if (path.name === null) return failure(405, 'MethodNotAllowed', 'not on a collection');
    if (method === 'PUT') return this.replace(path, path.name, request.body);
    if (method === 'DELETE') return this.remove(path, path.name, request.body);
    if (method !== 'PATCH') return failure(405, 'MethodNotAllowed', `no ${method} here`);
    return request.contentType === 'application/apply-patch+yaml'
      ? this.apply(path, path.name, request)
      : this.patch(path, path.name, request.body);
  }

  all(collection: string): StoredObject[] {
    return [...this.objects.values()].filter((object) => this.collectionOf(object) === collection);
  }

  find(collection: string, name: string): StoredObject | undefined {
    return this.all(collection).find((object) => object.metadata.name === name);
  }

  /** What a collection was at a version. */
  stateAt(collection: string, version: number): StoredObject[] {
    const state = new Map<string, StoredObject>();
    for (const change of this.changes) {
      if (change.version > version || change.collection !== collection) continue;
      const key = change.object.metadata.name;
      if (change.type === 'DELETED') state.delete(key);
      else state.set(key, change.object);
    }
    return [...state.values()];
  }

  /** As a controller of Kubernetes itself would: no version is compared. */
  update(object: StoredObject, change: (copy: StoredObject) => void): void {
    const key = [...this.objects].find(([, stored]) => stored.metadata.uid === object.metadata.uid)?.[0];
    const current = key === undefined ? undefined : this.objects.get(key);
    if (key === undefined || current === undefined) return;
    const copy = structuredClone(current);
    change(copy);
    this.store(key, this.collectionOf(current), current, copy);
  }

  /** Takes it away for good, and with it what it owns. */
  erase(object: StoredObject): void {
    const key = [...this.objects].find(([, stored]) => stored.metadata.uid === object.metadata.uid)?.[0];
    const current = key === undefined ? undefined : this.objects.get(key);
    if (key === undefined || current === undefined) return;
    this.objects.delete(key);
    this.appliedBy.delete(key);
    this.version += 1;
    const gone = structuredClone(current);
    gone.metadata.resourceVersion = String(this.version);
    this.tell('DELETED', this.collectionOf(current), gone);
    const owned = [...this.objects.values()].filter((other) =>
      other.metadata.ownerReferences?.some(({ uid }) => uid === current.metadata.uid),
    );
    for (const other of owned) {
      if (other.kind === 'Pod') this.terminate(other, null);
      else this.erase(other);
    }
  }

  private collectionOf(object: StoredObject): string {
    return String(object.collection);
  }

  private key({ collection, namespace }: ObjectPath, name: string): string {
    return `${collection} ${namespace} ${name}`;
  }

  private get(path: ObjectPath, name: string): ApiAnswer {
    const object = this.objects.get(this.key(path, name));
    return object === undefined ? this.notFound(path, name) : { status: 200, body: shown(object) };
  }

  private notFound({ resource }: ObjectPath, name: string): ApiAnswer {
    return failure(404, 'NotFound', `${resource} "${name}" not found`, name);
  }

  private list(path: ObjectPath, query: Record<string, string>): ApiAnswer {
    const items = [...this.objects]
      .filter(([key]) => key.startsWith(`${path.collection} ${path.namespace} `))
      .map(([, object]) => shown(object))
      .filter((object) => selects(query, object));
    return {
      status: 200,
      body: { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: String(this.version) }, items },
    };
  }

  private create(path: ObjectPath, body: unknown): ApiAnswer {
    if (!isObject(body)) return failure(400, 'BadRequest', 'the body is no object');
    const { name } = body.metadata as { name?: string };
    if (name === undefined) return failure(422, 'Invalid', 'name is required');
    const key = this.key(path, name);
    if (this.objects.has(key)) {
      return failure(409, 'AlreadyExists', `${path.resource} "${name}" already exists`, name);
    }
    return { status: 201, body: shown(this.insert(path, key, body)) };
  }

  private insert(path: ObjectPath, key: string, body: Record<string, unknown>): StoredObject {
    this.uids += 1;
    this.version += 1;
    const metadata = body.metadata as StoredObject['metadata'];
    const object = structuredClone({
      ...body,
      metadata: {
        ...metadata,
        ...(path.namespace === '' ? {} : { namespace: path.namespace }),
        uid: `uid-${this.uids}`,
        resourceVersion: String(this.version),
        creationTimestamp: new Date(this.wall()).toISOString().replace(/\.\d+Z$/, 'Z'),
        ...(withoutGeneration.has(path.resource) ? {} : { generation: 1 }),
      },
      collection: path.collection,
    }) as unknown as StoredObject;
    this.objects.set(key, object);
    this.tell('ADDED', path.collection, object);
    return object;
  }

  private replace(path: ObjectPath, name: string, body: unknown): ApiAnswer {
    const key = this.key(path, name);
    const current = this.objects.get(key);
    if (current === undefined) return this.notFound(path, name);
    if (!isObject(body)) return failure(400, 'BadRequest', 'the body is no object');
    const stale = this.staleness(current, body.metadata);
    if (stale !== null) return stale;
    const { uid, creationTimestamp, generation, namespace } = current.metadata;
    const kept = {
      uid,
      creationTimestamp,
      ...(generation === undefined ? {} : { generation }),
      ...(namespace === undefined ? {} : { namespace }),
    };
    const next = { ...body, metadata: { ...(body.metadata as object), ...kept } } as unknown as StoredObject;
    return this.write(path, key, current, next);
  }

  private patch(path: ObjectPath, name: string, body: unknown): ApiAnswer {
    const key = this.key(path, name);
    const current = this.objects.get(key);
    if (current === undefined) return this.notFound(path, name);
    const stale = this.staleness(current, isObject(body) ? body.metadata : undefined);
    if (stale !== null) return stale;
    return this.write(path, key, current, mergePatch(structuredClone(current), body) as StoredObject);
  }

  private apply(path: ObjectPath, name: string, { body, query }: FakeRequest): ApiAnswer {
    if (query.fieldManager === undefined)
      return failure(400, 'BadRequest', 'fieldManager is required for apply patch');
    if (!isObject(body)) return failure(400, 'BadRequest', 'the body is no object');
    const key = this.key(path, name);
    const current = this.objects.get(key);
    const { resourceVersion: _version, ...metadata } = body.metadata as Record<string, unknown>;
    const applied = { ...body, metadata };
    const manager = `${key} ${query.fieldManager}`;
    if (current === undefined) {
      if (_version !== undefined) return failure(409, 'Conflict', 'it does not exist', name);
      const object = this.insert(path, key, applied);
      this.appliedBy.set(manager, structuredClone(applied));
      return { status: 201, body: shown(object) };
    }
    const stale = this.staleness(current, body.metadata);
    if (stale !== null) return stale;
    const next = applyPatch(structuredClone(current), this.appliedBy.get(manager), applied) as StoredObject;
    const answer = this.write(path, key, current, next);
    if (answer.status < 300) this.appliedBy.set(manager, structuredClone(applied));
    return answer;
  }

  private staleness(current: StoredObject, metadata: unknown): ApiAnswer | null {
    const { resourceVersion, uid } = isObject(metadata) ? metadata : {};
    const { name } = current.metadata;
    const moved = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
    if (!moved && (uid === undefined || uid === current.metadata.uid)) return null;
    return failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on "${name}": the object has been modified`,
      name,
    );
  }

  private write(path: ObjectPath, key: string, current: StoredObject, next: StoredObject): ApiAnswer {
    const { resource, subresource } = path;
    const proposed = structuredClone(next);
    if (subresource === 'status') {
      const only = { ...structuredClone(current), status: proposed.status };
      return this.stored(key, path, current, only);
    }
    if (withStatus.has(resource)) proposed.status = current.status;
    const problem = immutableProblem(resource, current, proposed, this.fixedClasses);
    if (problem !== null)
      return failure(problem.status, problem.reason, problem.message, current.metadata.name);
    return this.stored(key, path, current, proposed);
  }

  private stored(key: string, path: ObjectPath, current: StoredObject, next: StoredObject): ApiAnswer {
    return { status: 200, body: shown(this.store(key, path.collection, current, next)) };
  }

  private store(key: string, collection: string, current: StoredObject, next: StoredObject): StoredObject {
    next.collection = collection;
    next.metadata.resourceVersion = current.metadata.resourceVersion;
    if (sameJson(current, next)) return current;
    this.version += 1;
    next.metadata.resourceVersion = String(this.version);
    const { generation } = current.metadata;
    if (generation !== undefined) {
      next.metadata.generation = sameJson(current.spec, next.spec) ? generation : generation + 1;
    }
    this.objects.set(key, next);
    this.tell('MODIFIED', collection, next);
    return next;
  }

  private remove(path: ObjectPath, name: string, body: unknown): ApiAnswer {
    const current = this.objects.get(this.key(path, name));
    if (current === undefined) return this.notFound(path, name);
    const options = (isObject(body) ? body : {}) as { preconditions?: unknown; gracePeriodSeconds?: number };
    const stale = this.staleness(current, options.preconditions);
    if (stale !== null) return stale;
    if (current.kind === 'Pod') this.terminate(current, options.gracePeriodSeconds ?? null);
    else this.erase(current);
    return { status: 200, body: shown(current) };
  }

  /** A pod is only marked; its kubelet takes it away. */
  terminate(pod: StoredObject, gracePeriodSeconds: number | null): void {
    if (gracePeriodSeconds === 0) return this.erase(pod);
    if (pod.metadata.deletionTimestamp !== undefined) return;
    this.update(pod, (copy) => {
      const seconds = gracePeriodSeconds ?? 30;
      copy.metadata.deletionTimestamp = new Date(this.wall() + seconds * 1_000).toISOString();
      copy.metadata.deletionGracePeriodSeconds = seconds;
    });
  }

  private tell(type: Change['type'], collection: string, object: StoredObject): void {
    const change = { type, collection, object: structuredClone(object), version: this.version };
    this.changes.push(change);
    for (const listener of this.listeners) listener(change);
  }
}

/** As it is sent: without what only this server knows. */
export function shown(object: StoredObject): StoredObject {
  const copy = structuredClone(object);
  Reflect.deleteProperty(copy, 'collection');
  return copy;
}
