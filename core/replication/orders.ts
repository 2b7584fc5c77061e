/** What a controller may ask of a worker, and which part of the machine does it. */
import type { ControlRequest } from '../protocol/control-message.js';
import type { Context } from './context.js';
import type { Fencing } from './fencing.js';
import type { Handover } from './handover.js';
import type { Heartbeat } from './heartbeat.js';
import type { Leading } from './leading.js';
import type { RingChange } from './ring-change.js';
import { encodeRing } from '../ring/ring-payload.js';

export class Orders {
  constructor(
    private readonly context: Context,
    private readonly fencing: Fencing,
    private readonly leading: Leading,
    private readonly handover: Handover,
    private readonly ringChange: RingChange,
    private readonly heartbeat: Heartbeat,
  ) {}

  order(controller: string, request: ControlRequest): void {
    const { context } = this;
    const { storeId, bootCount } = context.self;
    switch (request.type) {
      case 'fence':
        return this.fencing.fence(controller, request);
      case 'lead':
        return this.leading.lead(controller, request);
      case 'hold':
        return this.handover.hold(controller, request);
      case 'release':
        return this.handover.release(request);
      case 'ring':
        this.ringChange.offer(request.payload);
        return this.heartbeat.hurry();
      case 'probe':
        return context.report(controller, { type: 'probed', nonce: request.nonce, storeId, bootCount });
      case 'fetchRing':
        return this.sendRing(controller, request.requestId);
      case 'reportAll': {
        const state = context.controllers.get(controller);
        if (state !== undefined) state.full = true;
        return this.heartbeat.hurry();
      }
      case 'relay':
        return undefined;
    }
  }

  private sendRing(controller: string, requestId: number): void {
    const { context } = this;
    let highestEpoch = context.ring?.epochCounter ?? 0;
    for (const replica of context.replicas.values())
      highestEpoch = Math.max(highestEpoch, replica.promisedEpoch);
    const payload = context.ring === null ? null : encodeRing(context.ring);
    const { storeId } = context.self;
    context.report(controller, { type: 'ringReply', requestId, storeId, highestEpoch, payload });
  }
}
