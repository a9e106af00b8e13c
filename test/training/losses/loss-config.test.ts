import t from 'tap';
import Value from 'typebox/value';
import { divergenceKinds } from '../../../training/losses/divergence-kind.js';
import { LossConfig, needsPairs, resolveLoss } from '../../../training/losses/loss-config.js';

t.test('every loss has its name, and defaults that are those of its paper', (t) => {
  const names = LossConfig.anyOf.map((option) => option.properties.name.const);
  t.same(names, ['cross_entropy', ...divergenceKinds, 'distillm2']);
  t.same(resolveLoss({ name: 'generalised_jsd' }), { name: 'generalised_jsd', alpha: 0.5 });
  t.same(resolveLoss({ name: 'skew_forward_kl' }), { name: 'skew_forward_kl', alpha: 0.1 });
  t.same(resolveLoss({ name: 'skew_reverse_kl', alpha: 0.3 }), { name: 'skew_reverse_kl', alpha: 0.3 });
  const released = { name: 'distillm2', form: 'released', alpha: 0.1, detached: true };
  t.same(resolveLoss({ name: 'distillm2', form: 'released' }), released);
  const paper = { name: 'distillm2', form: 'paper' } as const;
  t.same(resolveLoss(paper), { ...released, form: 'paper', detached: false });
  const [plain, kl] = [resolveLoss({ name: 'cross_entropy' }), resolveLoss({ name: 'forward_kl' })];
  t.same([plain, kl], [{ name: 'cross_entropy' }, { name: 'forward_kl', alpha: 0 }]);
  t.same([needsPairs(plain), needsPairs(kl), needsPairs(resolveLoss(paper))], [false, false, true]);
  t.end();
});

t.test(
  'an unknown name, a parameter of another loss and an α outside its range do not fit the schema',
  (t) => {
    const fits = (value: unknown) => Value.Check(LossConfig, value);
    t.ok(fits({ name: 'cross_entropy' }));
    t.ok(fits({ name: 'distillm2', form: 'paper', alpha: 0.2, detached: true }));
    t.notOk(fits({ name: 'kl' }));
    t.notOk(fits({ name: 'forward_kl', alpha: 0.1 }));
    t.notOk(fits({ name: 'skew_forward_kl', alpha: 0 }));
    t.notOk(fits({ name: 'skew_forward_kl', alpha: 1 }));
    t.notOk(fits({ name: 'distillm2' }));
    t.notOk(fits({ name: 'distillm2', form: 'paper', alpha: 0.001 }));
    t.end();
  },
);
