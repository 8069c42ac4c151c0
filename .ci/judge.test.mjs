// Proves that the judge of the conformance run lets nothing slip. Run by `node --test`.

import assert from 'node:assert/strict';
import test from 'node:test';

import { judge, listedScenarios } from './judge.mjs';

const checks = (...statuses) => statuses.map((status, i) => ({ id: `check-${i}`, status }));
const wire = (status) => ({ id: 'wire-schema-valid', status });
const problems = (run, expected = []) =>
  judge(Object.keys(run), new Map(Object.entries(run)), expected).problems;
const expecting = (outcome, checks) => [{ outcome, scenarios: ['a'], checks }];

test('a scenario passes only without failures and warnings', () => {
  assert.deepEqual(problems({ a: [...checks('SUCCESS', 'INFO', 'SKIPPED'), wire('SUCCESS')] }), []);
  assert.deepEqual(problems({ a: checks('SUCCESS', 'FAILURE') }), ['a: FAILURE check-1']);
  assert.deepEqual(problems({ a: checks('SUCCESS', 'WARNING') }), ['a: WARNING check-1']);
});

test('a scenario that tested nothing does not pass', () => {
  assert.deepEqual(problems({ a: [] }), ['a: tested nothing']);
  assert.deepEqual(problems({ a: [...checks('SKIPPED'), wire('SUCCESS')] }), ['a: tested nothing']);
  assert.deepEqual(problems({ a: checks('SKIPPED') }, expecting('skips')), []);
});

test('an expected failure must still fail, and never by malformed messages', () => {
  assert.deepEqual(problems({ a: checks('FAILURE', 'WARNING') }, expecting('fails')), []);
  assert.deepEqual(problems({ a: checks('SUCCESS') }, expecting('fails')), [
    'a: passes now: take it out of the expected failures',
  ]);
  assert.deepEqual(problems({ a: [wire('FAILURE')] }, expecting('fails')), [
    'a: FAILURE wire-schema-valid',
  ]);
});

test('a scenario that can only warn may pass or warn', () => {
  assert.deepEqual(problems({ a: checks('WARNING') }, expecting('warns')), []);
  assert.deepEqual(problems({ a: checks('SUCCESS') }, expecting('warns')), []);
  assert.deepEqual(problems({ a: checks('FAILURE') }, expecting('warns')), ['a: FAILURE check-0']);
});

test('a check that must succeed may not be passed over', () => {
  const expected = expecting('succeeds', ['check-1']);
  assert.deepEqual(problems({ a: checks('SUCCESS', 'SUCCESS') }, expected), []);
  assert.deepEqual(problems({ a: checks('SUCCESS', 'INFO') }, expected), [
    'a: check-1 did not succeed',
  ]);
});

test('the list, the run and the expectations must agree', () => {
  const run = new Map([['b', checks('SUCCESS')]]);
  assert.deepEqual(judge(['a'], run, [{ outcome: 'fails', scenarios: ['c'] }]).problems, [
    'c: expected, but not in the suite',
    'b: ran, but is not in the suite',
    'a: did not run',
  ]);
});

test('the list of scenarios is read from both of its sections', () => {
  const text = `Required for R (3 scenarios):

Server scenarios (test against a server):
  - ping

Client scenarios (test against a client):
  - initialize

Run and reported, but never scored:
  pending (2):
    - later [server]
    - other [client]
`;
  assert.deepEqual(listedScenarios(text), ['ping', 'later']);
  assert.throws(() => listedScenarios('nothing'));
});
