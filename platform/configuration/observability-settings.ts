/** What every program can be told about logs, metrics and traces; the launcher passes it on. */
import { logFormats, logLevels } from '../logger.js';
import { choice, flag, ratio, text } from './setting.js';

const group = 'Logs, metrics, traces:';

/** The launcher has logs of its own. */
export const logSettings = {
  logLevel: choice({ description: 'least level that is logged', default: 'info', choices: logLevels, group }),
  logFormat: choice({
    description: 'form of log lines; auto: pretty at a terminal, JSON elsewhere',
    default: 'auto',
    choices: logFormats,
    group,
  }),
};

export const observabilitySettings = {
  metrics: flag({ description: 'no metrics: nothing is measured for them', default: true, group }),
  metricsPerPartition: flag({ description: 'metrics for each partition too', default: false, group }),
  tracesEndpoint: text({
    description:
      'where spans of writes are sent (OTLP over HTTP), as http://collector:4318/v1/traces; none if left out',
    default: null,
    placeholder: 'URL',
    pattern: /^https?:\/\/\S+$/,
    expected: 'an http or https address',
    group,
  }),
  tracesRatio: ratio({
    description: 'of the traces that begin here, the part that is kept; a client that samples decides itself',
    default: 1,
    group,
  }),
};
