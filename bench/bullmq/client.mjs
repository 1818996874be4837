// BullMQ as its documentation says to run it fast: addBulk, a worker with concurrency, nothing kept of what is done.
//
// Guards that it is told what to do as all clients of the bench are: an order a line on stdin, an answer a line.

import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

import { Queue, Worker } from 'bullmq';

const NAME = 'bench';
const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
// As JSON a hundred bytes.
const data = { m: 'abcdefghijklmnopqrstuvwxyz'.repeat(4).slice(0, 92) };
const queue = new Queue(NAME, { connection, defaultJobOptions: { removeOnComplete: true } });
await queue.waitUntilReady();

async function post(count, each, atOnce) {
  const calls = [];
  let left = count;
  async function task() {
    while (left > 0) {
      const many = Math.min(each, left);
      left -= many;
      const begun = performance.now();
      if (many === 1) await queue.add('job', data);
      else await queue.addBulk(Array.from({ length: many }, () => ({ name: 'job', data })));
      calls.push((performance.now() - begun) * 1000);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, task));
  return [count, calls];
}

async function work(count, each, atOnce) {
  let done = 0;
  const worker = new Worker(NAME, async () => { done += 1; }, {
    connection, autorun: false, concurrency: each * atOnce,
  });
  // Of a lost connection the next call tells.
  worker.on('error', () => {});
  const ended = new Promise((resolve) => {
    worker.on('completed', () => { if (done >= count) resolve(); });
  });
  await worker.waitUntilReady();
  worker.run();
  await ended;
  await worker.close();
  return [done, []];
}

async function hold(count) {
  const worker = new Worker(NAME, null, { connection, autorun: false });
  await worker.waitUntilReady();
  let held = 0;
  while (held < count && await worker.getNextJob(`bench-${held}`, { block: false })) held += 1;
  await worker.close(true);
  return [held, []];
}

function versions() {
  const require = createRequire(import.meta.url);
  const { dependencies } = require('./package.json');
  return { ...dependencies, node: process.versions.node };
}

const VERBS = { post, work, hold };
console.log(JSON.stringify({ versions: versions() }));
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const [messages, calls] = await VERBS[order.verb](order.count, order.each, order.at_once);
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ messages, seconds, client_cpu_us: user + system, calls_us: calls }));
}
process.exit(0);
