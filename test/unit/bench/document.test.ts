/** Figures get into a document without touching what people wrote in it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { withSection, writeSection } from '../../../bench/report/document.js';

const document =
  'before\n<!-- measured: one -->\nold\n<!-- end of one -->\nafter\n<!-- measured: two --><!-- end of two -->\n';

it('replaces what is between the marks, again and again', () => {
  const once = withSection(document, 'one', 'new\n');
  expect(once).toBe(document.replace('\nold\n', '\n\nnew\n\n'));
  expect(withSection(once, 'one', 'new')).toBe(once);
  expect(withSection(once, 'two', 'x')).toContain('<!-- measured: two -->\n\nx\n\n<!-- end of two -->');
});

it('refuses a document without the marks', () => {
  expect(() => withSection(document, 'three', 'x')).toThrow('no place for three');
  expect(() => withSection('<!-- end of one --> <!-- measured: one -->', 'one', 'x')).toThrow('no place');
});

it('puts the picture and the figures beside the document', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-document-'));
  try {
    const file = path.join(folder, 'speed.md');
    writeFileSync(file, document);
    writeSection(file, { name: 'one', text: 'table', picture: '<svg/>', figures: '{}' });
    expect(readFileSync(file, 'utf8')).toContain('table\n\n![one](speed/one.svg)');
    expect(readFileSync(path.join(folder, 'speed', 'one.svg'), 'utf8')).toBe('<svg/>');
    expect(readFileSync(path.join(folder, 'speed', 'one.json'), 'utf8')).toBe('{}');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
