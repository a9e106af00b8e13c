/** Everything under `/v1`: OpenAI's routes, and its form of errors for whatever is asked there. */
import type { App, Services } from '../app.js';
import { openAiPrefix, replyWithOpenAiError } from '../openai/open-ai-error.js';
import type { RefuseRoute } from '../plugins/error-replies.js';
import { addChatCompletions } from './chat-completions.js';
import { addEmbeddings } from './embeddings.js';
import { addModels } from './models.js';

export async function addOpenAi(app: App, services: Services, refuseRoute: RefuseRoute): Promise<void> {
  await app.register(
    async (scope: App) => {
      scope.setErrorHandler(replyWithOpenAiError);
      scope.setNotFoundHandler(refuseRoute);
      addChatCompletions(scope, services);
      addEmbeddings(scope, services);
      addModels(scope, services);
    },
    { prefix: openAiPrefix },
  );
}
