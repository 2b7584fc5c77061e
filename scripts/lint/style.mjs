// The parts of the style that neither the linter nor the formatter sees: names of files, the lines that open
// a file, line width in comments and texts, leftovers, and names that must not appear in the repository.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const lineWidthMax = 110;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))*\.(ts|mjs)$/;
const vagueNames = new Set(['utils', 'util', 'helpers', 'helper', 'manager', 'common', 'misc', 'lib']);
const leftover = /\b(?:TODO|FIXME|XXX)\b|@ts-ignore|@ts-nocheck|eslint-disable|prettier-ignore/;
const skippedTest = /\b(?:it|test|describe)\.(?:only|skip|todo|failing)\b|\bx(?:it|describe)\(/;

/** What is wrong with the sources under `root`, one line each. */
export function styleFaults(root) {
  return sourceFiles(root).flatMap((file) => faultsOf(file, readFileSync(path.join(root, file), 'utf8')));
}

function sourceFiles(root) {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listing
    .split('\n')
    .filter((file) => /\.(ts|mjs)$/.test(file) && existsSync(path.join(root, file)))
    .filter((file) => file !== 'scripts/lint/style.mjs');
}

/** What is wrong with one file; exported for its test. */
export function faultsOf(file, text) {
  const faults = [];
  const say = (line, fault) => faults.push(`${file}:${line}: ${fault}`);
  if (!kebabCase.test(path.basename(file))) say(1, 'file names are kebab-case');
  for (const part of file.replace(/\..*$/, '').split(/[/-]/)) {
    if (vagueNames.has(part)) say(1, `'${part}' says nothing: name the file for what it holds`);
  }
  // A test says in its descriptions what it is for.
  if (!file.endsWith('.test.ts') && !/^(#!.*\n)?(\/\*\*|\/\/|\/\*)/.test(text))
    say(1, 'a file opens with a few lines on its role');
  text.split('\n').forEach((line, index) => {
    // A sentence for people is not broken for its length.
    const isText = /^[^*/]*['"`]/.test(line);
    if (line.length > lineWidthMax && !isText)
      say(index + 1, `line of ${line.length} characters, at most ${lineWidthMax}`);
    if (leftover.test(line)) say(index + 1, 'a leftover or a silenced check');
    if (skippedTest.test(line)) say(index + 1, 'a test that is skipped, or that keeps others from running');
  });
  return faults;
}
