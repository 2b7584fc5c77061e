/**
 * One stream carries two conversations: replicas with each other, and coordinators that pass requests on.
 * This hands each message to the one it is for.
 */
import type { ControlRequest } from '../core/protocol/control-message.js';
import type { PeerRun } from '../core/protocol/log-command.js';
import type { PeerMessage } from '../core/protocol/peer-message.js';
import type { WorkerId } from '../core/ring/ring-record.js';
import type { WorkerInbox } from './worker/ports.js';

/** What the coordinator wants to know of peers. */
export interface ForwardInbox {
  peerConnected(peer: WorkerId): void;
  peerDisconnected(peer: WorkerId): void;
  peerMessage(peer: WorkerId, message: PeerMessage): void;
}

function isForward({ type }: PeerMessage): boolean {
  switch (type) {
    case 'forwardWrite':
    case 'forwardRead':
    case 'writeReply':
    case 'readReply':
    case 'trace':
      return true;
    default:
      return false;
  }
}

export class SharedInbox implements WorkerInbox {
  constructor(
    private readonly worker: WorkerInbox,
    private readonly forwards: ForwardInbox,
    /** A controller wants something, or is to hear of something, with the next tick. */
    private readonly hurry: () => void,
  ) {}

  peerConnected(peer: PeerRun): void {
    this.worker.peerConnected(peer);
    this.forwards.peerConnected(peer.id);
    this.hurry();
  }

  peerDisconnected(peer: WorkerId): void {
    this.worker.peerDisconnected(peer);
    this.forwards.peerDisconnected(peer);
    this.hurry();
  }

  peerMessages(peer: WorkerId, messages: PeerMessage[]): void {
    const others: PeerMessage[] = [];
    for (const message of messages) {
      if (isForward(message)) this.forwards.peerMessage(peer, message);
      else if (message.type !== 'alive') others.push(message);
    }
    if (others.length > 0) this.worker.peerMessages(peer, others);
  }

  controllerConnected(controller: string): void {
    this.worker.controllerConnected(controller);
  }

  controllerDisconnected(controller: string): void {
    this.worker.controllerDisconnected(controller);
  }

  controllerRequest(controller: string, request: ControlRequest): void {
    this.worker.controllerRequest(controller, request);
    this.hurry();
  }
}
