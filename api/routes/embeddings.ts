/** `POST /v1/embeddings`: unit vectors of the bundle's embedder, as OpenAI's clients ask for them. */
import type { App, Services } from '../app.js';
import { clientSignal } from '../client-signal.js';
import { startDeadline } from '../deadline.js';
import { EmbeddingsRequest, readEmbeddingsRequest } from '../openai/embeddings-request.js';
import { refusal } from '../openai/open-ai-error.js';
import { servedModel } from '../openai/served-model.js';
import { textsBodyLimitBytes } from '../plugins/json-body.js';
import { openAiErrors, ref } from '../schemas/components.js';

/** Texts that go to the engine, and vectors that are written out, at a time: others get their turn between. */
const slice = 64;

const schema = {
  tags: ['openai'],
  summary: 'Embed texts',
  description: 'Vectors of the embedder that the bundle searches with, of unit length.',
  body: EmbeddingsRequest,
  response: {
    200: { ...ref('EmbeddingList'), description: 'One vector for each text, in their order' },
    ...openAiErrors(
      'REQUEST_INVALID',
      'NOT_FOUND',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'ENGINE_UNAVAILABLE',
      'ENGINE_CRASHED',
      'ENGINE_BUSY',
      'ENGINE_TIMEOUT',
    ),
  },
};

export function addEmbeddings(app: App, { engine, clock, config }: Services): void {
  const options = { schema, bodyLimit: textsBodyLimitBytes, validatorCompiler: () => () => true };
  app.post('/embeddings', options, async (request, reply) => {
    const {
      model,
      texts,
      dimensions,
      encoding_format: encoding = 'float',
    } = readEmbeddingsRequest(request.body);
    checkDimensions(servedModel(engine, model));
    const deadline = startDeadline(clock, config.chatDeadlineMs, clientSignal(reply));
    try {
      const entries: string[] = [];
      let tokens = 0;
      let bundleId: string | undefined;
      for (let start = 0; start < texts.length; ) {
        const embedded = await engine.embed(texts.slice(start, start + slice), deadline.signal);
        if (bundleId !== embedded.bundleId) {
          // Vectors of two embedders cannot be compared: all are made by the one that serves now.
          checkDimensions(embedded);
          const isFirst = bundleId === undefined;
          bundleId = embedded.bundleId;
          if (!isFirst && start > 0) {
            entries.length = 0;
            tokens = 0;
            start = 0;
            continue;
          }
        }
        start += slice;
        tokens += embedded.tokens;
        for (const vector of rowsOf(embedded.vectors, embedded.dimension)) {
          const embedding = encoding === 'base64' ? base64Of(vector) : [...vector];
          entries.push(JSON.stringify({ object: 'embedding', index: entries.length, embedding }));
        }
      }
      const usage = { prompt_tokens: tokens, total_tokens: tokens };
      // Written by hand, because a serialiser would write thousands of vectors in one go.
      const rest = JSON.stringify({ model: bundleId, usage }).slice(1);
      return reply
        .type('application/json; charset=utf-8')
        .serializer((body: string) => body)
        .send(`{"object":"list","data":[${entries.join(',')}],${rest}`);
    } finally {
      deadline.end();
    }

    function checkDimensions({ bundleId, dimension }: { bundleId: string; dimension: number }): void {
      if (dimensions === undefined || dimensions === dimension) return;
      throw refusal(
        'dimensions',
        'invalid_value',
        `'dimensions' is ${dimensions}; the embedder of ${bundleId} has ${dimension}, and no other number.`,
      );
    }
  });
}

function* rowsOf(vectors: Float32Array, dimension: number): Generator<Float32Array> {
  for (let at = 0; at < vectors.length; at += dimension) yield vectors.subarray(at, at + dimension);
}

/** Of little-endian 32-bit floats, whatever this machine's own order is. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, i) => {
    bytes.writeFloatLE(value, 4 * i);
  });
  return bytes.toString('base64');
}
