// The load of the cluster tests, as it runs in a pod: writes and reads keys at a fixed rate whether or not
// answers come, and remembers every call with its outcome. Driven over a port that only its own pod reaches:
//
//   POST /start    a plan (JSON), see below; forgets the last history
//   POST /stop     waits for what is under way, reads every key once more, and writes the history to a file
//   GET  /counts   how it is going
//
// One call is one line of the history: [id, kind, key, value, startMs, endMs, status, etag, body,
// idempotencyKey]. Times are of the machine's monotonic clock, so that those of two pods on one machine can
// be compared. A status of 0 is a broken connection (the outcome is unknown), -1 a connection that was never
// made (nothing was sent).
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import { clearTimeout } from 'node:timers';

const controlPort = 9090;
const connectTimeoutMs = 1_000;
const inFlightMax = 1_000;
/** Connections that are not used are given up, as HTTP clients do: before the server does. */
const idleTimeoutMs = 60_000;
const callsMax = 400_000;

const clock = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** A plan: { name, targets: [{host, port}], ratePerSecond, keys, writeShare, timeoutMs, retries } */
let plan = null;
let agent = null;
let timer = null;
let calls = [];
let inFlight = 0;
let counter = 0;
let started = 0;
let shed = 0;

function start(newPlan) {
  if (timer !== null) throw new Error('a load is running');
  plan = newPlan;
  agent = new http.Agent({ keepAlive: true, maxSockets: inFlightMax, timeout: idleTimeoutMs });
  calls = [];
  counter = 0;
  shed = 0;
  started = clock();
  // The rate is kept over time, so that a late timer is made up for.
  timer = setInterval(() => {
    const due = Math.floor(((clock() - started) / 1_000) * plan.ratePerSecond);
    while (counter + shed < due) {
      if (inFlight >= inFlightMax || calls.length >= callsMax) shed += 1;
      else fire(counter++);
    }
  }, 4);
}

function fire(number) {
  const key = `load/${plan.name}/${Math.floor(Math.random() * plan.keys)}`;
  const isWrite = Math.random() < plan.writeShare;
  const value = isWrite ? `${plan.valuePrefix ?? plan.name}-${number}` : '';
  void request(isWrite ? 'put' : 'read', key, value, value);
}

/** Repeats a call on a broken connection if the plan says so, each try a line of its own. */
async function request(kind, key, value, idempotencyKey) {
  inFlight += 1;
  try {
    for (let left = plan.retries; ; left -= 1) {
      const status = await attempt(kind, key, value, plan.retries > 0 ? idempotencyKey : '', left === 0);
      if (status > 0 || left === 0) return;
    }
  } finally {
    inFlight -= 1;
  }
}

function attempt(kind, key, value, idempotencyKey, isLast) {
  const { host, port } = plan.targets[Math.floor(Math.random() * plan.targets.length)];
  const isWrite = kind === 'put';
  const headers = isWrite ? { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(value) } : {};
  if (isWrite && idempotencyKey !== '') headers['Idempotency-Key'] = idempotencyKey;
  const startMs = clock();
  return new Promise((resolve) => {
    let sent = false;
    let isOver = false;
    const finish = (status, etag, body) => {
      if (isOver) return;
      isOver = true;
      const line = [calls.length, kind, key, value, startMs, clock(), status, etag, body];
      calls.push([...line, isWrite ? idempotencyKey : '', isLast || status > 0]);
      resolve(status);
    };
    const outgoing = http.request(
      { host, port, agent, method: isWrite ? 'PUT' : 'GET', path: `/v1/kv/${key}`, headers },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => {
          // A receipt is not kept: the version is in the ETag.
          const kept = isWrite && response.statusCode < 300 ? '' : body.slice(0, 400);
          finish(response.statusCode, response.headers.etag ?? '', kept);
        });
        response.on('error', (error) => finish(0, '', error.message));
      },
    );
    outgoing.on('error', (error) => finish(sent ? 0 : -1, '', error.message));
    outgoing.setTimeout(plan.timeoutMs, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) return void (sent = true);
      const patience = setTimeout(
        () => outgoing.destroy(new Error('no connection in time')),
        connectTimeoutMs,
      );
      socket.once('connect', () => {
        sent = true;
        clearTimeout(patience);
      });
      socket.once('close', () => clearTimeout(patience));
    });
    outgoing.end(isWrite ? value : undefined);
  });
}

async function stop({ file, readAll }) {
  if (timer === null) throw new Error('no load is running');
  clearInterval(timer);
  timer = null;
  const fired = counter;
  while (inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  // What was acknowledged must be there at the end.
  for (let index = 0; readAll && index < plan.keys; index += 1) {
    await request('read', `load/${plan.name}/${index}`, '', '');
  }
  agent.destroy();
  writeFileSync(file, calls.map((call) => JSON.stringify(call)).join('\n'));
  return { fired, shed, lines: calls.length };
}

async function control(incoming) {
  let body = '';
  for await (const chunk of incoming) body += chunk;
  const input = body === '' ? {} : JSON.parse(body);
  if (incoming.url === '/start') start(input);
  else if (incoming.url === '/stop') return stop(input);
  const good = calls.filter(([, , , , , , status]) => status > 0 && status < 429).length;
  return { running: timer !== null, lines: calls.length, good, inFlight, shed };
}

const server = http.createServer((incoming, response) => {
  control(incoming).then(
    (answer) => response.end(JSON.stringify(answer)),
    (error) => {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: error.message }));
    },
  );
});
server.listen(controlPort, '127.0.0.1', () => console.log('ready'));
process.on('SIGTERM', () => process.exit(0));
