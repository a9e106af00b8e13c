import { Command } from 'commander';
import t from 'tap';
import { type ShardArguments, wantsShards, withShardOptions } from '../../../cli/commands/train-respond.js';

/** The options as the command reads them. */
function read(...args: string[]): ShardArguments {
  const command = withShardOptions(new Command('respond'))
    .option('--force')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action(() => {});
  command.parse(['node', 'respond', ...args]);
  return command.opts();
}

t.test('shards are numbered from 0', async (t) => {
  t.strictSame(read('--shard', '0/4').shard, { index: 0, count: 4 });
  t.strictSame(read('--shard', '3/4', '--iteration', '2'), { shard: { index: 3, count: 4 }, iteration: 2 });
  for (const wrong of ['4/4', '1', '-1/4', '0/0', 'a/b', '1/4/2', '']) {
    t.throws(() => read('--shard', wrong), { code: 'commander.invalidArgument' }, wrong);
  }
});

t.test('a shard, a merge and a whole stage are different things', async (t) => {
  t.ok(wantsShards(read('--shard', '0/2')));
  t.strictSame(read('--merge', 'a', 'b').merge, ['a', 'b']);
  t.ok(wantsShards(read('--merge', 'a', 'b')));
  t.notOk(wantsShards(read()));
  t.throws(() => wantsShards(read('--iteration', '2')), { code: 'USAGE' });
  t.throws(() => read('--shard', '0/2', '--merge', 'a'), { code: 'commander.conflictingOption' });
  t.throws(() => read('--shard', '0/2', '--force'), { code: 'commander.conflictingOption' });
});
