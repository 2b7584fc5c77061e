/**
 * Faults that wait for the one moment in which they hurt, where chance would need too many seeds. A plot
 * listens to what the workers say and strikes at that moment; everything else of the run is as chance has it.
 */
import type { WorkerReport } from '../../core/protocol/control-message.js';
import type { PeerMessage } from '../../core/protocol/peer-message.js';
import type { WorkerNode, WorkerRun } from './worker-node.js';
import type { World } from './world.js';

export type Said = PeerMessage | WorkerReport;
type GiveBack = Extract<PeerMessage, { type: 'giveBack' }>;

/** A new primary has leases by then, and the old one has granted none for a whole lease. */
const movedMs = 300;

export class Plot {
  private active = false;
  private busy = false;

  constructor(
    private readonly world: World,
    private readonly cutOff: (node: WorkerNode) => void,
  ) {
    const { plot } = world.profile;
    if (plot !== null) world.onSaid = (run, said) => this.heard(plot, run, said);
  }

  setActive(active: boolean): void {
    this.active = active;
  }

  private heard(plot: 'cutOffHolder' | 'lateGiveBack', run: WorkerRun, said: Said): void {
    if (!this.active || this.busy) return;
    if (plot === 'cutOffHolder' && said.type === 'held') this.cutOffSoon(run, said);
    if (plot === 'lateGiveBack' && said.type === 'giveBack') this.holdBack(run, said);
  }

  /** The primary that holds writes back and gave its leases back is cut off before it hears of a fence. */
  private cutOffSoon(run: WorkerRun, said: Extract<WorkerReport, { type: 'held' }>): void {
    if (said.items.every(({ refused }) => refused !== '')) return;
    this.world.scheduler.schedule(0.01, 'plot', () => {
      if (run.process.alive) this.cutOff(run.node);
    });
  }

  /**
   * A primary gives its leases back; later its successor, whose leases come from the third voter alone, is
   * cut off, and in the same moment that voter gets the old message once more.
   */
  private holdBack(run: WorkerRun, said: GiveBack): void {
    const { scheduler, network, profile } = this.world;
    this.busy = true;
    scheduler.schedule(movedMs, 'plot', () => {
      const record = this.world.ring?.partitions[said.partition];
      const successor = record?.primary.id ?? run.place;
      const third = record?.voters.find(({ id }) => id !== successor && id !== run.place)?.id;
      if (successor === run.place || third === undefined) {
        this.busy = false;
        return;
      }
      network.block(run.place, successor);
      network.block(successor, run.place);
      scheduler.schedule(profile.limits.leaseMs + 100, 'plot', () =>
        this.strike(run.place, successor, third, said),
      );
    });
  }

  private strike(old: string, successor: string, third: string, said: GiveBack): void {
    const { world } = this;
    this.busy = false;
    world.network.unblock(old, successor);
    world.network.unblock(successor, old);
    const node = world.node(successor);
    const grantor = world.node(third)?.run;
    if (!this.active || node?.run === null || node === undefined || grantor === undefined || grantor === null)
      return;
    this.cutOff(node);
    grantor.process.enter(() => grantor.worker.peerMessages(old, [{ ...said }]));
  }
}
