/**
 * A system under load: how it is started alone on this machine, the doors through which clients reach it,
 * and what a reply of it promises.
 */
import type { Connection } from '../wire/connection.js';
import type { ProcessGroup } from './process-group.js';

export interface Door {
  /** Short and unique among all systems: what `--against` takes and tables show. */
  name: string;
  /** For a legend. */
  title: string;
  /** The connection of the client with this number. */
  connect(client: number): Promise<Connection>;
}

export interface RunningSystem {
  processes: ProcessGroup;
  doors: Door[];
}

export interface System {
  name: string;
  /** What has to be true of a write before it is acknowledged, and of a read, in one line each. */
  promise: { write: string; read: string };
  /** Program that has to be installed, and the Debian package it comes in; null if it is our own. */
  needs: { program: string; debianPackage: string } | null;
  /** The names of its doors, known before it runs. */
  doors: readonly string[];
  /** Ports from `port` on, at most twenty, data below `folder`; resolves when it takes requests. */
  start(folder: string, port: number): Promise<RunningSystem>;
}
