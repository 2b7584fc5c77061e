// Runs a command behind a progress line: its output is shown only if it fails.
import { spawn } from 'node:child_process';

const outputCharactersMax = 20_000;

/** Resolves with `{ code, output }`; `output` is the end of what the command wrote to both streams. */
export function runQuietly(title, command, commandArguments, options = {}) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const live = process.stderr.isTTY === true;
  process.stderr.write(live ? `${title} …` : `${title} …\n`);
  const timer = live
    ? setInterval(() => process.stderr.write(`\r${title} … ${seconds()} s`), 1000)
    : undefined;
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-outputCharactersMax);
  };
  return new Promise((resolve) => {
    const child = spawn(command, commandArguments, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const finish = (code) => {
      clearInterval(timer);
      const verdict = code === 0 ? 'done' : 'failed';
      process.stderr.write(`${live ? '\r' : ''}${title}: ${verdict} in ${seconds()} s\n`);
      resolve({ code, output });
    };
    child.on('error', (error) => {
      keep(`${error.message}\n`);
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
}
