/** The alerts as a table for docs/monitoring.md. */
import type { AlertGroup } from './alert.js';

export const tableStart = '<!-- alerts: made by `npm run monitoring` -->';
export const tableEnd = '<!-- end of alerts -->';

export function alertTable(groups: readonly AlertGroup[]): string {
  const rows = groups.flatMap(({ about, alerts }) =>
    alerts.map(({ name, severity, holdsFor, meaning }) => {
      const after = holdsFor === '0s' ? 'at once' : holdsFor;
      return `| ${about} | [${name}](runbooks/${name}.md) | ${severity} | ${after} | ${meaning} |`;
    }),
  );
  return ['| about | alert | severity | after | fires when |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** `page` with the table in its place. */
export function withAlertTable(page: string, groups: readonly AlertGroup[]): string {
  const start = page.indexOf(tableStart);
  const end = page.indexOf(tableEnd);
  if (start < 0 || end < start) throw new Error('the page has no place for the table of alerts');
  return `${page.slice(0, start)}${tableStart}\n\n${alertTable(groups)}\n\n${page.slice(end)}`;
}
