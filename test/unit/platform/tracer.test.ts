import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isTraceparent, startTracer } from '../../../platform/traces/tracer.js';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([`00-${trace}-${span}-01`, `00-${trace}-${span}-00`])('%s is one', (text) => {
    expect(isTraceparent(text)).toBe(true);
  });

  it.each([
    '',
    'nonsense',
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-01-more`,
  ])('"%s" is none', (text) => {
    expect(isTraceparent(text)).toBe(false);
  });
});

describe('without an address to send spans to', () => {
  it('there is no tracer', async () => {
    expect(await startTracer({ endpoint: null, ratio: 1, service: 's', instance: 'i' })).toBeNull();
  });

  it('the library is not loaded; with one it is', () => {
    const module = path.resolve(import.meta.dirname, '../../../platform/traces/tracer.js');
    const program = `
      import { createRequire } from 'node:module';
      const { startTracer } = await import(${JSON.stringify(module)});
      const loaded = () => Object.keys(createRequire(${JSON.stringify(module)}).cache)
        .some((file) => file.includes('@opentelemetry'));
      const options = { ratio: 1, service: 's', instance: 'i' };
      await startTracer({ ...options, endpoint: null });
      const without = loaded();
      const tracer = await startTracer({ ...options, endpoint: 'http://127.0.0.1:9/v1/traces' });
      await tracer.close();
      console.log(without, loaded());
    `;
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(told.trim()).toBe('false true');
  });
});
