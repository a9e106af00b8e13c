import t from 'tap';
import { isCopy, isEmptyAnswer, isRefusal } from '../../../shared/evaluation/open-answer-faults.js';
import { fallbackAnswer } from '../../../shared/answering/choice-fallback.js';
import { classify } from '../../../shared/question/classify.js';

t.test('an answer without a letter or a digit is empty', async (t) => {
  for (const text of ['', ' \n', '...', '「」']) t.ok(isEmptyAnswer(text), JSON.stringify(text));
  for (const text of ['5', '예', 'O']) t.notOk(isEmptyAnswer(text), text);
});

t.test('answers that say the documents do not tell are found, others are not', async (t) => {
  const refusals = [
    '제공된 문서에서 해당 내용을 찾을 수 없습니다.',
    '자료에 관련 정보가 없습니다.',
    '주어진 지문에는 그 기한이 명시되어 있지 않습니다.',
    '죄송하지만 답변을 드릴 수 없습니다.',
    '알 수 없습니다.',
    fallbackAnswer(classify('왜 그러한지 설명하시오.')).answer,
  ];
  for (const text of refusals) t.ok(isRefusal(text), text);
  const answers = [
    '제3자가 내용을 알 수 없도록 암호화하여 저장한다.',
    '법적 근거가 명확하지 않은 수집은 금지된다.',
    '개인정보를 복구할 수 없게 파기하여야 한다.',
    '자료를 매일 백업하고 다른 건물에 보관하므로 재해에도 업무를 이어 갈 수 있다.',
  ];
  for (const text of answers) t.notOk(isRefusal(text), text);
});

t.test('a copy is a text of which most is one run of a passage', async (t) => {
  const passage = '백업 자료는 매일 한 번 만들고 다른 건물에 보관한다. 복구 훈련은 해마다 두 번 한다.';
  t.ok(isCopy('백업 자료는 매일 한 번 만들고, 다른 건물에 보관한다', ['방화벽', passage]));
  t.notOk(isCopy('매일 만든다', [passage]), 'a few words are no copy');
  t.notOk(
    isCopy('자료를 하루에 한 번씩 백업하여 떨어진 건물에 두고, 복구 훈련을 해마다 두 번 한다.', [passage]),
  );
  t.notOk(isCopy('백업 자료는 매일 한 번 만들고 다른 건물에 보관한다', []));
});
