/** Requests and configurations that several tests of model teachers share. */
import type { OpenAiTeacherConfig } from '../../../../training/pipeline/pipeline-config.js';
import type { CompletionRequest } from '../../../../training/synthesis/model-teacher/model-teacher.js';

/** Longer than any back-off or pause: `HastyClock` tells them apart by it. */
export const timeoutMs = 1_000_000;

export function serverConfig(baseUrl: string, given: Partial<OpenAiTeacherConfig> = {}): OpenAiTeacherConfig {
  return {
    ...{ kind: 'openai', baseUrl, model: 'big', concurrency: 4, timeoutMs, retries: 3 },
    price: { prompt: 0, completion: 0 },
    ...given,
  };
}

export function questionOf(number: number, seed = 1): CompletionRequest {
  return {
    messages: [{ role: 'user', content: `질문 ${number}` }],
    ...{ temperature: 0.5, topP: 0.9, maxNewTokens: 10, seed },
  };
}
