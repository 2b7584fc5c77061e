/**
 * What the person sees: at a terminal a table that is kept up to date in place, elsewhere a line for each
 * change.
 */
import type { ClusterView } from './cluster-view.js';
import type { ManagedProcess } from './managed-process.js';

export interface Display {
  /** The processes, and what the controller says if it answers. */
  show(processes: readonly ManagedProcess[], view: ClusterView | null): void;
  /** Something to keep: stays above the table. */
  say(text: string): void;
  /** The table is not touched any more. */
  end(): void;
}

export function createDisplay(output: NodeJS.WriteStream): Display {
  return output.isTTY ? new TableDisplay(output) : new LineDisplay(output);
}

/** What a process does, in one or two words. */
function stateOf(managed: ManagedProcess, view: ClusterView | null): string {
  if (managed.state === 'waiting') return `${managed.ending}; starts again soon`;
  if (managed.state === 'ended') return managed.ending;
  if (managed.state !== 'running') return managed.state;
  if (managed.plan.role === 'controller') return view === null ? 'starting' : 'running';
  return view?.workers.find(({ id }) => id === managed.plan.name)?.state ?? 'starting';
}

function phaseOf(view: ClusterView | null): string {
  if (view === null) return 'the controller does not answer';
  return view.awaited === 'nothing' ? view.phase : `${view.phase}, waiting for ${view.awaited}`;
}

class LineDisplay implements Display {
  private readonly shown = new Map<string, string>();
  private phase = '';

  constructor(private readonly output: NodeJS.WriteStream) {}

  show(processes: readonly ManagedProcess[], view: ClusterView | null): void {
    for (const managed of processes) {
      const line = `${managed.pid ?? '-'} ${stateOf(managed, view)}`;
      const { name, url } = managed.plan;
      // While the controller does not answer, nothing is known of workers that run: no line for that.
      if (view === null && managed.state === 'running' && this.shown.has(name)) continue;
      if (this.shown.get(name) === line) continue;
      this.shown.set(name, line);
      this.say(`${name.padEnd(12)} ${url}  pid ${line}`);
    }
    const phase = phaseOf(view);
    if (phase === this.phase) return;
    this.phase = phase;
    this.say(`cluster      ${phase}`);
  }

  say(text: string): void {
    this.output.write(`${text}\n`);
  }

  end(): void {
    this.phase = '';
  }
}

const clearLine = '\u001b[2K';

class TableDisplay implements Display {
  private lines: string[] = [];
  private ended = false;

  constructor(private readonly output: NodeJS.WriteStream) {}

  show(processes: readonly ManagedProcess[], view: ClusterView | null): void {
    if (this.ended) return;
    const rows = processes.map((managed) => {
      const { name, url } = managed.plan;
      const worker = view?.workers.find(({ id }) => id === name);
      const counts = worker === undefined ? ['', ''] : [String(worker.primaries), String(worker.replicas)];
      return [name, url, String(managed.pid ?? '-'), ...counts, stateOf(managed, view)];
    });
    const table = [['process', 'url', 'pid', 'primaries', 'replicas', 'state'], ...rows];
    const widths =
      table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
    const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
    this.draw(['', ...lines, '', `cluster: ${phaseOf(view)}`]);
  }

  say(text: string): void {
    const { lines } = this;
    this.erase();
    this.output.write(`${text}\n`);
    this.draw(lines);
  }

  end(): void {
    this.ended = true;
  }

  private draw(lines: string[]): void {
    if (this.lines.join('\n') === lines.join('\n')) return;
    this.erase();
    // A line that wraps would break the count of lines to go back.
    const width = this.output.columns;
    for (const line of lines) this.output.write(`${clearLine}${line.slice(0, width - 1)}\n`);
    this.lines = lines;
  }

  private erase(): void {
    if (this.lines.length > 0) this.output.write(`\u001b[${this.lines.length}A\u001b[0J`);
    this.lines = [];
  }
}
