/** Splits a stream of bytes into lines and parses each as JSON, as watches send them. */

export class JsonLines {
  private pieces: Buffer[] = [];
  private bytes = 0;

  constructor(
    private readonly lineBytesMax: number,
    private readonly take: (value: unknown) => void,
  ) {}

  /** Answers what is wrong with the stream, or null. */
  push(chunk: Buffer): string | null {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const problem = this.line(chunk.subarray(from, end));
      if (problem !== null) return problem;
      from = end + 1;
    }
    if (from < chunk.length) {
      this.pieces.push(chunk.subarray(from));
      this.bytes += chunk.length - from;
    }
    return this.bytes > this.lineBytesMax ? 'a line is too long' : null;
  }

  private line(end: Buffer): string | null {
    const text = Buffer.concat([...this.pieces, end]).toString('utf8');
    this.pieces = [];
    this.bytes = 0;
    if (text.trim() === '') return null;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'a line is no JSON';
    }
    this.take(value);
    return null;
  }
}
