import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitCodeOf, Failure, type FailureKind, Interrupted, messageOf } from '../src/errors.ts';

describe('the exit code', () => {
  const kinds: [kind: FailureKind, code: number][] = [
    ['configuration', 2],
    ['unreachable', 3],
    ['backup', 4],
    ['step', 5],
    ['refused', 5],
    ['locked', 6],
    ['interrupted', 143],
  ];
  for (const [kind, code] of kinds) {
    test(`of a failure of kind ${kind} is ${code}`, () => {
      assert.equal(exitCodeOf(new Failure(kind, 'why')), code);
    });
  }

  test('tells the two signals apart', () => {
    assert.equal(exitCodeOf(new Interrupted('SIGTERM')), 143);
    assert.equal(exitCodeOf(new Interrupted('SIGINT')), 130);
  });

  test('of anything that was not foreseen is 1, even with a failure behind it', () => {
    const foreseen = new Failure('backup', 'why');
    for (const bug of [
      new TypeError('x'),
      new Error('x', { cause: foreseen }),
      'x',
      undefined,
      null,
      4,
      {},
    ]) {
      assert.equal(exitCodeOf(bug), 1);
    }
  });
});

describe('a failure', () => {
  test('is an error with its kind, its message and what caused it', () => {
    const cause = new Error('disk');
    const failure = new Failure('backup', 'the backup failed', { cause });
    assert.ok(failure instanceof Error);
    assert.deepEqual(
      [failure.name, failure.kind, failure.message],
      ['Failure', 'backup', 'the backup failed'],
    );
    assert.equal(failure.cause, cause);
  });

  test('by a signal says which', () => {
    const end = new Interrupted('SIGINT');
    assert.ok(end instanceof Failure);
    assert.deepEqual([end.kind, end.signal, end.message], ['interrupted', 'SIGINT', 'ended by SIGINT']);
  });
});

const caused = (message: string, cause: unknown) => new Error(message, { cause });

describe('a message', () => {
  const rows: [name: string, error: unknown, message: string][] = [
    ['is that of the error', new Error('no space'), 'no space'],
    ['has those of its causes behind it', caused('a', caused('b', new Error('c'))), 'a: b: c'],
    [
      'does not repeat a cause that it quotes',
      caused('it failed: no space.', new Error('no space')),
      'it failed: no space.',
    ],
    ['does not end in a colon where the cause says nothing', caused('a', new Error('')), 'a'],
    ['leaves out a cause that is no error', caused('a', { code: 5 }), 'a'],
    [
      'of a host whose addresses all refused has what each of them said',
      new AggregateError(
        [new Error('connect ECONNREFUSED 127.0.0.1:1'), new Error('connect ECONNREFUSED ::1:1')],
        '',
      ),
      'connect ECONNREFUSED 127.0.0.1:1; connect ECONNREFUSED ::1:1',
    ],
    ['of something thrown that is no error is its text', 'plain', 'plain'],
    ['of nothing says so', undefined, 'undefined'],
  ];
  for (const [name, error, message] of rows) {
    test(name, () => assert.equal(messageOf(error), message));
  }
});
