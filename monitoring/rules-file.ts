/**
 * The alerts as Prometheus reads them. One text serves as a plain rules file and, with two phrases replaced,
 * as the chart's PrometheusRule.
 */
import { Document, Scalar, visit } from 'yaml';
import type { Alert, AlertGroup } from './alert.js';

/** Where the pages of docs/runbooks are published; the chart can name another place. */
export const runbookBase = 'https://kvorum.dev/runbooks';

/** As in a rules file: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules */
export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

export interface RulesFile {
  groups: { name: string; rules: Rule[] }[];
}

export function rulesOf(groups: readonly AlertGroup[]): RulesFile {
  return { groups: groups.map(({ name, alerts }) => ({ name, rules: alerts.map(ruleOf) })) };
}

function ruleOf({ name, severity, expr, holdsFor, summary, description }: Alert): Rule {
  return {
    alert: name,
    expr,
    ...(holdsFor === '0s' ? {} : { for: holdsFor }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbookBase}/${name}` },
  };
}

/** As YAML. Expressions stand in blocks, so that nothing in them is escaped. */
export function rulesText(rules: RulesFile): string {
  const document = new Document(rules);
  visit(document, {
    Pair(_, { key, value }) {
      const isExpression = key instanceof Scalar && key.value === 'expr' && value instanceof Scalar;
      if (isExpression) value.type = Scalar.BLOCK_LITERAL;
    },
  });
  return document.toString({ lineWidth: 0 });
}
