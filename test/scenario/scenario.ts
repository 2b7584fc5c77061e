/**
 * Runs a scenario: a text of commands, each followed by `----` and the transcript of what came of it, on a
 * small simulated cluster without any chance fault. The same text always gives the same transcript.
 */
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { ScenarioCluster } from './scenario-cluster.js';

interface Step {
  commands: string[];
  /** What stood before the commands: comments and blank lines. */
  lead: string;
}

const separator = '----';

/** The text with its transcripts replaced by what the commands do now. */
export function runScenario(text: string): string {
  const cluster = new ScenarioCluster();
  const blocks = parseSteps(text).map(({ lead, commands }) => {
    const transcript = commands.flatMap((command) => cluster.execute(command));
    return [lead + commands.join('\n'), separator, ...transcript, ''].join('\n');
  });
  const finding = judgeVersions(cluster.history());
  cluster.end();
  if (finding !== undefined) blocks.push(`not linearizable: ${finding}\n`);
  return blocks.join('\n');
}

function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let lead = '';
  let commands: string[] = [];
  let inTranscript = false;
  for (const line of text.split('\n')) {
    if (line === separator) {
      steps.push({ lead, commands });
      lead = '';
      commands = [];
      inTranscript = true;
    } else if (inTranscript) {
      inTranscript = line !== '';
    } else if (line.startsWith('#') || (line === '' && commands.length === 0)) {
      if (line !== '') lead += `${line}\n`;
    } else {
      commands.push(line);
    }
  }
  if (commands.length > 0) throw new Error(`commands without '${separator}': ${commands.join('; ')}`);
  return steps;
}
