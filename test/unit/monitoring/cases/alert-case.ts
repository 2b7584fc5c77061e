/**
 * When an alert has to fire and when not, as series and a moment. Values are in promtool's notation: `0+6x20`
 * starts at 0, grows by 6 each minute, and has 20 values more.
 */

export interface Case {
  /** Value after value, a minute apart, by series. */
  series: Readonly<Record<string, string>>;
  /** The moment, counted from the first value. */
  at: string;
}

export interface FiringCase extends Case {
  /** Of the alert, besides the severity; `place` is added to them unless `nowhere`. */
  labels?: Readonly<Record<string, string>>;
  nowhere?: boolean;
  summary: string;
  description: string;
}

export interface AlertCases {
  fires: FiringCase;
  /** As near to firing as it gets. */
  silent: Case;
}

export const place = { namespace: 'shop', cluster: 'kv' };

/** Names a series of the cluster. */
export function of(metric: string, labels: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ ...place, ...labels }).map(([name, value]) => `${name}="${value}"`);
  return `${metric}{${all.join(',')}}`;
}

/** The same value for two hours; with `minutes`, then no more. */
export function steady(value: number, minutes = 120): string {
  return `${value}+0x${minutes}`;
}

/** Grows by `step` each minute for two hours. */
export function growing(step: number, minutes = 120): string {
  return `0+${step}x${minutes}`;
}

/** A histogram of one observation a second of which `share` took up to `below` and the rest up to `above`. */
export function observed(
  histogram: string,
  { below, above, share, labels = {} }: { below: number; above: number; share: number; labels?: object },
): Record<string, string> {
  const bucket = (le: string) => of(`${histogram}_bucket`, { ...labels, le });
  return {
    [bucket(String(below))]: growing(60 * share),
    [bucket(String(above))]: growing(60),
    [bucket('+Inf')]: growing(60),
  };
}
