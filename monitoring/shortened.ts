/**
 * The same rules on a faster clock, for tests that make a fault and wait for its alert. Nothing is changed
 * but how long something has to hold and over which time a rate is taken.
 */
import type { RulesFile } from './rules-file.js';

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/**
 * Divides every `for:`, every window in brackets and every offset by `divisor`. A window keeps
 * `windowSecondsMin`, since a rate needs several scrapes; thresholds and all other numbers stay as they are.
 */
export function shortened(rules: RulesFile, divisor: number, windowSecondsMin: number): RulesFile {
  const shorter = (duration: string, secondsMin: number) =>
    `${Math.max(secondsMin, Math.round(secondsOf(duration) / divisor))}s`;
  return {
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({
        ...rule,
        expr: rule.expr
          .replace(/\[(\w+)\]/g, (_, window: string) => `[${shorter(window, windowSecondsMin)}]`)
          .replace(/\boffset (\w+)/g, (_, duration: string) => `offset ${shorter(duration, 1)}`),
        ...(rule.for === undefined ? {} : { for: shorter(rule.for, 1) }),
      })),
    })),
  };
}

/** Of a duration as Prometheus writes it, such as 90s or 1h30m. */
export function secondsOf(duration: string): number {
  if (!/^(\d+[smhd])+$/.test(duration)) throw new Error(`not a duration: ${duration}`);
  let seconds = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  }
  return seconds;
}
