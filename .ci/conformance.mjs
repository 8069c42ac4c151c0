// Runs the conformance suite against a server and judges the results.
//
//   node conformance.mjs --suite SUITE.js --out DIR --url URL
//   node conformance.mjs --suite SUITE.js --out DIR -- COMMAND…
//
// `SUITE.js` is the entry point of the suite. `COMMAND` starts a server, which must print a line with
// its URL; it is stopped at the end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { judge, listedScenarios, readRun } from './judge.mjs';

const REVISIONS = ['2025-11-25', '2026-07-28'];
const START_LIMIT_MS = 30_000;
const RUN_LIMIT_MS = 10 * 60_000;

const { values: options, positionals: command } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(['suite', 'out', 'url'].map((name) => [name, { type: 'string' }])),
});
if (!options.suite || !options.out || (command.length === 0) === !options.url) {
  throw new Error('give --suite, --out, and either --url or a command');
}
const expected = JSON.parse(
  readFileSync(new URL('./conformance-expected.json', import.meta.url), 'utf8'),
);

const server = options.url ? undefined : await start(command);
let problems = 0;
try {
  for (const revision of REVISIONS) {
    problems += await run(server?.url ?? options.url, revision);
  }
  if (server?.ended()) {
    problems += 1;
    console.log('the server ended before it was told to');
  }
} finally {
  await server?.stop();
}
console.log(problems === 0 ? 'conformance: as expected' : `conformance: ${problems} problem(s)`);
process.exitCode = problems === 0 ? 0 : 1;

/** Starts the server and waits for the line that says where it listens. */
async function start([program, ...args]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const stop = async () => {
    child.kill();
    const forced = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(forced);
  };
  let timer;
  const url = await Promise.race([
    new Promise((resolve) => {
      // Reads on after the line was found: a full pipe would stop the server.
      createInterface({ input: child.stdout }).on('line', (line) => {
        console.log(`server: ${line}`);
        const found = line.match(/http:\/\/127\.0\.0\.1:\d+\/mcp/);
        if (found) resolve(found[0]);
      });
    }),
    ended.then(() => undefined),
    new Promise((resolve) => (timer = setTimeout(resolve, START_LIMIT_MS))),
  ]);
  clearTimeout(timer);
  if (!url) {
    await stop();
    throw new Error(`${program} did not print its URL`);
  }
  return { url, stop, ended: () => child.exitCode !== null || child.signalCode !== null };
}

/** Runs and judges one revision; returns how many problems were found. */
async function run(url, revision) {
  const out = join(options.out, revision);
  rmSync(out, { recursive: true, force: true });
  const requirements = ['--requirements', revision];
  const listed = listedScenarios(await suite(['list', ...requirements]));
  console.log(`\n== conformance ${revision}: ${listed.length} scenarios at ${url}`);
  // Its own verdict is left aside: it forgives warnings and knows none of our expectations.
  await suite(['server', '--url', url, ...requirements, '-o', out]);
  const own = expected.filter((entry) => entry.revision === revision);
  const verdict = judge(listed, readRun(out), own);
  for (const { outcome, scenarios, checks, why } of own) {
    console.log(`expected (${outcome}): ${(checks ?? scenarios).length}, ${why}`);
  }
  console.log(`passed: ${verdict.passed.length}`);
  console.log(`skipped checks: ${verdict.skipped.length}`);
  for (const check of verdict.skipped) console.log(`  ${check}`);
  for (const problem of verdict.problems) console.log(`  PROBLEM ${problem}`);
  return verdict.problems.length;
}

/** What the suite prints to stdout; its exit code is not looked at, but it must end in time. */
async function suite(args) {
  const child = spawn(process.execPath, [options.suite, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: RUN_LIMIT_MS,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  const [, signal] = await once(child, 'close');
  if (signal) throw new Error(`the suite was stopped by ${signal}`);
  return printed;
}
