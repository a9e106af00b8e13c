/**
 * The program that the supervisor forks: an engine process on the real runtime.
 *
 * Before it says that it is ready it answers two questions: a bundle that cannot answer is refused while the old
 * engine still serves, and the first user does not pay for code that was never run.
 */
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { runEngine } from './run-engine.js';

const probes = [
  '전자금융거래에 대한 설명으로 옳지 않은 것은?\n1 이용자를 보호한다.\n2 안전성을 확보한다.\n3 접근매체를 누구에게나 양도한다.\n4 거래내용을 확인한다.',
  '정보보호의 목적을 설명하시오.',
];

runEngine(async (options) => {
  const runtime = await loadRuntime(options);
  for (const probe of probes) await runtime.answer(probe);
  return runtime;
});
