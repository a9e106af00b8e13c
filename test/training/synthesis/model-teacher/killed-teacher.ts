/** `killed-teacher.ts BASE_URL JOURNAL COUNT`: asks so many questions, two at once, saying each reply it was given. */
import { openModelTeacher } from '../../../../training/synthesis/model-teacher/open-model-teacher.js';
import { questionOf, serverConfig } from './teacher-requests.js';

const [baseUrl, journal, count] = process.argv.slice(2) as [string, string, string];
const teacher = await openModelTeacher(serverConfig(baseUrl, { concurrency: 2 }), {
  ...{ journal, threads: 1, log: () => {} },
});
const { signal } = new AbortController();
await Promise.all(
  Array.from({ length: Number(count) }, async (_, i) => {
    const { text } = await teacher.complete(questionOf(i), signal);
    process.stdout.write(`${i} ${text}\n`);
  }),
);
