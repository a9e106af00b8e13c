import t from 'tap';
import {
  distillTeacher,
  startStudent,
  studentAfter,
} from '../../../training/model-stages/student-folders.js';
import { stagedConfig } from '../../fixtures/staged-pipeline.js';

const folderOf = (stage: string, iteration = 9) => `work/${stage}-${iteration}`;
const place = (fields: Record<string, unknown>) => ({
  config: stagedConfig({ student: { from: 'start' }, ...fields }),
  folderOf,
});
const sft = { sft: {} };
const local = (model: string) => ({ kind: 'local', model });

t.test('the student is the given model, or the new one, then what each iteration made', async (t) => {
  t.equal(startStudent(place(sft)), 'start');
  t.equal(startStudent(place({ ...sft, student: {}, pretrain: {} })), 'work/pretrain-9/model');
  t.equal(studentAfter(place(sft), 0), 'start');
  t.equal(studentAfter(place(sft), 2), 'work/distill-2/model');
});

t.test('the teacher is the given one, a local one that answers, or what sft made', async (t) => {
  const synthesize = { synthesize: { teacher: local('writer') } };
  const respond = { respond: { teacher: local('speaker') } };
  const distill = { distill: { teacher: 'teacher' } };
  const statute = { respond: { teacher: { kind: 'statute' } } };
  t.equal(distillTeacher(place({ ...sft, ...synthesize, ...respond, ...distill })), 'teacher');
  t.equal(distillTeacher(place({ ...sft, ...synthesize, ...respond })), 'speaker');
  t.equal(distillTeacher(place({ ...sft, ...synthesize })), 'writer');
  t.equal(distillTeacher(place({ ...sft, ...synthesize, ...statute })), 'work/sft-9/model');
});

t.test('with a teacher that sft-teacher made, distill begins with what sft made', async (t) => {
  const both = { ...sft, teacherSft: {} };
  t.equal(studentAfter(place(both), 0), 'work/sft-9/model');
  t.equal(studentAfter(place(both), 1), 'work/distill-1/model');
  t.equal(studentAfter(place({ teacherSft: {} }), 0), 'start');
  t.equal(
    distillTeacher(place({ ...both, respond: { teacher: local('speaker') } })),
    'work/sft-teacher-9/model',
  );
  t.equal(distillTeacher(place({ ...both, distill: { teacher: 'teacher' } })), 'teacher');
});

t.test('without a student or a teacher it is said what to give', async (t) => {
  const { config } = place(sft);
  const { sft: _, ...without } = config;
  t.throws(() => distillTeacher({ config: without, folderOf }), {
    code: 'CONFIG_INVALID',
    message: /distill has no teacher.*Give distill\.teacher/s,
  });
  const { from: __, ...student } = config.student;
  t.throws(() => startStudent({ config: { ...config, student }, folderOf }), {
    code: 'CONFIG_INVALID',
    message: /no student: give student\.from/,
  });
});
