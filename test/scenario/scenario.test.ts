import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { runScenario } from './scenario.js';

// Compiled tests run from dist/, the scenarios stay beside their source.
const folder = new URL('../../../test/scenario/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

describe('scenarios', () => {
  it('are there', () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
  });

  it.each(names)('%s', (name) => {
    const file = new URL(name, folder);
    const text = readFileSync(file, 'utf8');
    const now = runScenario(text);
    // KVORUM_REWRITE=1 takes what happens now for right; the change is reviewed as a diff.
    if (process.env.KVORUM_REWRITE === '1') writeFileSync(file, now);
    else expect(now).toBe(text);
  });
});
