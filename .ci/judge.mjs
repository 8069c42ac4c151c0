// Judges what the conformance suite left behind, more strictly than its own exit code does:
// warnings count, a scenario that did not run counts, and one that tested nothing counts.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

// Holds in every scenario, also in one that is expected to fail.
const WIRE_SCHEMA = 'wire-schema-valid';

/** The server scenarios of a revision, from what `conformance list --requirements` prints. */
export function listedScenarios(text) {
  const names = [];
  let inServerSection = false;
  for (const line of text.split('\n')) {
    const scored = line.match(/^ {2}- (\S+)$/);
    const unscored = line.match(/^ {4}- (\S+) \[server\]$/);
    if (/^\S.*:$/.test(line)) inServerSection = line.startsWith('Server scenarios');
    else if (scored && inServerSection) names.push(scored[1]);
    else if (unscored) names.push(unscored[1]);
  }
  if (names.length === 0) throw new Error('`conformance list` named no server scenario');
  return names;
}

/** The checks that a run left in `directory`: a map from scenario to its checks. */
export function readRun(directory) {
  const run = new Map();
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const scenario = name.match(/^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/)?.[1];
    const file = join(directory, name, 'checks.json');
    if (scenario && existsSync(file)) run.set(scenario, JSON.parse(readFileSync(file, 'utf8')));
  }
  return run;
}

/**
 * Compares a run with what is expected of it.
 *
 * `expected` holds entries `{outcome, scenarios, checks?}`. Outcomes: `fails` (must not pass),
 * `warns` (may pass or warn, must not fail), `skips` (may test nothing), `succeeds` (the named
 * checks must have succeeded). Whatever is not named must pass without a warning.
 */
export function judge(listed, run, expected) {
  const problems = [];
  const skipped = [];
  const passed = [];
  const outcomeOf = new Map();
  for (const { outcome, scenarios } of expected) {
    for (const scenario of scenarios) {
      if (!listed.includes(scenario)) problems.push(`${scenario}: expected, but not in the suite`);
      if (outcome !== 'succeeds') outcomeOf.set(scenario, outcome);
    }
  }
  for (const scenario of run.keys()) {
    if (!listed.includes(scenario)) problems.push(`${scenario}: ran, but is not in the suite`);
  }
  for (const scenario of listed) {
    const checks = run.get(scenario);
    if (!checks) {
      problems.push(`${scenario}: did not run`);
      continue;
    }
    const found = judgeScenario(checks, outcomeOf.get(scenario));
    problems.push(...found.map((problem) => `${scenario}: ${problem}`));
    if (found.length === 0 && !outcomeOf.has(scenario)) passed.push(scenario);
    for (const check of withStatus(checks, 'SKIPPED')) skipped.push(`${scenario}: ${describe(check)}`);
  }
  for (const { outcome, scenarios, checks } of expected) {
    if (outcome !== 'succeeds') continue;
    for (const scenario of scenarios) {
      for (const id of checks) {
        const succeeded = withStatus(run.get(scenario) ?? [], 'SUCCESS').some((c) => c.id === id);
        if (!succeeded) problems.push(`${scenario}: ${id} did not succeed`);
      }
    }
  }
  return { problems, skipped, passed };
}

function judgeScenario(checks, outcome) {
  const failures = withStatus(checks, 'FAILURE');
  const warnings = withStatus(checks, 'WARNING');
  const broken = failures.filter((check) => check.id === WIRE_SCHEMA);
  const tested = withStatus(checks, 'SUCCESS').some((check) => check.id !== WIRE_SCHEMA);
  switch (outcome) {
    case 'fails':
      if (failures.length + warnings.length === 0) {
        return ['passes now: take it out of the expected failures'];
      }
      return broken.map((check) => `FAILURE ${describe(check)}`);
    case 'warns':
      return failures.map((check) => `FAILURE ${describe(check)}`);
    default: {
      const found = [...failures, ...warnings].map((check) => `${check.status} ${describe(check)}`);
      const vacuous = found.length === 0 && !tested && outcome !== 'skips';
      return vacuous ? ['tested nothing'] : found;
    }
  }
}

function withStatus(checks, status) {
  return checks.filter((check) => check.status === status);
}

function describe(check) {
  return check.errorMessage ? `${check.id} (${check.errorMessage})` : check.id;
}
