/**
 * Figures into a document: the text between two marks is replaced by what was measured, so that a document is
 * brought up to date by the command that measures and never by hand.
 *
 *   <!-- measured: NAME -->  …  <!-- end of NAME -->
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Section {
  /** Of the marks, and of the picture and the figures beside the document. */
  name: string;
  text: string;
  picture: string;
  /** JSON. */
  figures: string;
}

/** Throws if the document lacks the marks. */
export function withSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- measured: ${name} -->`, `<!-- end of ${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no place for ${name}: ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}

/** The picture and the figures lie in a folder named like the document. */
export function writeSection(file: string, { name, text, picture, figures }: Section): void {
  const { dir, name: folder } = path.parse(file);
  const updated = withSection(
    readFileSync(file, 'utf8'),
    name,
    `${text}\n\n![${name}](${folder}/${name}.svg)`,
  );
  mkdirSync(path.join(dir, folder), { recursive: true });
  writeFileSync(path.join(dir, folder, `${name}.svg`), picture);
  writeFileSync(path.join(dir, folder, `${name}.json`), figures);
  writeFileSync(file, updated);
}
