import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readArguments } from '../../src/commands/arguments.ts';
import { COMMANDS } from '../../src/commands/help.ts';
import { exitCodeOf } from '../../src/errors.ts';
import { runCommand, assertCommandEnded } from './run-command.ts';

describe('the arguments', () => {
  const calls: [string[], object][] = [
    [[], { command: 'run' }],
    [['run'], { command: 'run' }],
    [['status'], { command: 'status', json: false }],
    [['status', '-o', 'json'], { command: 'status', json: true }],
    [['list', '-o=json'], { command: 'list', json: true }],
    [['list', '-ojson'], { command: 'list', json: true }],
    [['list', '--output', 'table'], { command: 'list', json: false }],
    [['history'], { command: 'history', last: 30, format: 'table' }],
    [['history', '-o=html', '--last=400'], { command: 'history', last: 400, format: 'html' }],
    [['history', '--last', '1', '-o', 'json'], { command: 'history', last: 1, format: 'json' }],
    [['usage'], { command: 'usage', which: 'latest', top: undefined, json: false }],
    [['usage', 'n', '--top=7', '-o', 'json'], { command: 'usage', which: 'n', top: 7, json: true }],
    [['verify'], { command: 'verify', which: 'latest', json: false }],
    [['verify', '--output=json', 'all'], { command: 'verify', which: 'all', json: true }],
    [
      ['fetch', 'latest', 'f'],
      { command: 'fetch', which: 'latest', file: 'f', receipt: undefined, json: false },
    ],
    [
      ['fetch', 'latest', '--receipt', 'r', 'f'],
      { command: 'fetch', which: 'latest', file: 'f', receipt: 'r', json: false },
    ],
    [['diff', 'a', 'b'], { command: 'diff', older: 'a', newer: 'b', all: false, top: 10, json: false }],
    [
      ['diff', '--all', 'a', 'latest', '--top=3', '-o=json'],
      { command: 'diff', older: 'a', newer: 'latest', all: true, top: 3, json: true },
    ],
    [['drill'], { command: 'drill', which: 'latest', receipt: undefined, server: undefined, json: false }],
    [
      ['drill', '--receipt', 'r'],
      { command: 'drill', which: 'latest', receipt: 'r', server: undefined, json: false },
    ],
  ];
  for (const [args, call] of calls) {
    test(`"${args.join(' ')}" are understood`, () => assert.deepEqual(readArguments(args), call));
  }

  const wrong: [string[], RegExp][] = [
    [['runn'], /no command "runn"[^]*status[^]*fetch/],
    [[''], /no command ""/],
    [['-o', 'json'], /no command "-o"/],
    [['toString'], /no command "toString"/],
    [['run', 'now'], /run: "now" is one argument too many/],
    [['run', '-o', 'json'], /run has no option --output/],
    [['list', '--none'], /list: Unknown option '--none'/],
    [['list', '-x'], /list: Unknown option '-x'/],
    [['list', '-o'], /list: Option '-o, --output <value>' argument missing/],
    [['list', '-o', 'yaml'], /--output "yaml" should be table or json/],
    [['list', '-o', 'html'], /--output "html" should be table or json/],
    [['list', '--last', '3'], /list has no option --last/],
    [['history', '-o', 'yaml'], /--output "yaml" should be table, json or html/],
    [['history', '--last', '0'], /--last "0" should be a whole number from 1 to 400/],
    [['history', '--last', '401'], /--last "401" should be/],
    [['history', '--last', '3x'], /--last "3x" should be/],
    [['usage', '--top', '0'], /usage: --top "0" should be a whole number from 1 to 1000/],
    [['list', '--top', '3'], /list has no option --top/],
    [['list', '--receipt', 'x'], /list has no option --receipt/],
    [['verify', 'a', 'b'], /verify: "b" is one argument too many/],
    [['fetch', 'latest'], /fetch needs 2 arguments[^]*NAME\|latest FILE/],
    [['fetch', 'latest', 'a', 'b'], /"b" is one argument too many/],
    [['diff', 'latest'], /diff needs 2 arguments[^]*OLDER NEWER\|latest/],
    [['diff', 'latest', 'a'], /latest can only be the newer one/],
    [['diff', 'a', 'b', '--top', '0'], /diff: --top "0" should be a whole number from 1 to 1000000/],
    [['verify', '--all'], /verify has no option --all/],
    [['drill', 'latest', '--receipt', 'r'], /--receipt says already which backup it was/],
  ];
  for (const [args, words] of wrong) {
    test(`"${args.join(' ')}" are refused with the usage`, () => {
      assert.throws(
        () => readArguments(args),
        (error: Error) => {
          assert.equal(exitCodeOf(error), 2);
          assert.match(error.message, words);
          assert.match(error.message, /\nUsage: etcd-upkeep/);
          return true;
        },
      );
    });
  }
});

describe('help', () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    test(`by ${args.join(' ')} names every command`, async () => {
      const { stdout, stderr } = assertCommandEnded(await runCommand(args), 0);
      for (const name of Object.keys(COMMANDS)) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
      assert.equal(stderr, '');
    });
  }

  for (const name of Object.keys(COMMANDS)) {
    test(`of ${name} tells its usage and its exit codes, whatever else is asked for`, async () => {
      const { stdout, stderr } = assertCommandEnded(await runCommand([name, '-h']), 0);
      assert.match(stdout, new RegExp(`^Usage: etcd-upkeep ${name}`));
      assert.match(stdout, /Exit codes: 0/);
      assert.ok(
        stdout.split('\n').every((line) => line.length <= 120),
        stdout,
      );
      assert.equal(stderr, '');
    });
  }

  test('is not mistaken for a run', async () => {
    const env = { ETCDCTL_ENDPOINTS: 'nonsense', BACKUP_STORE: 'nonsense' };
    assertCommandEnded(await runCommand(['run', '--help'], env), 0);
  });
});

test('a wrong command ends with 2 and the list, and nothing on standard output', async () => {
  const { stdout, stderr } = assertCommandEnded(await runCommand(['backup']), 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^etcd-upkeep: there is no command "backup"\n\nUsage: [^]*\n  verify /);
});
