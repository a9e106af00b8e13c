/** A `fetch` of a few lines: each call gets the next step, and honours its signal. */

export type Step =
  | Response
  /** Never answers. */
  | 'stall'
  /** Headers, then a body that never ends. */
  | 'stall-body'
  /** Fails as Node's `fetch` does, with this code. */
  | { fails: string };

export interface ScriptedFetch {
  fetch: typeof globalThis.fetch;
  calls: { url: string; init: RequestInit }[];
}

/** @param steps by number of the call; a function where there are no end of them */
export function scriptedFetch(steps: readonly Step[] | ((call: number) => Step)): ScriptedFetch {
  const calls: ScriptedFetch['calls'] = [];
  const fetch: typeof globalThis.fetch = async (url, init = {}) => {
    const step = typeof steps === 'function' ? steps(calls.length) : steps[calls.length];
    calls.push({ url: String(url), init });
    if (step === undefined) throw new Error(`nobody expected call ${calls.length}`);
    init.signal?.throwIfAborted();
    if (step === 'stall') return untilAborted(init.signal!);
    if (step === 'stall-body') {
      const body = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode('{"id'));
          init.signal!.addEventListener('abort', () => controller.error(init.signal!.reason));
        },
      });
      return new Response(body);
    }
    if (step instanceof Response) return step;
    throw Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error(step.fails), { code: step.fails }),
    });
  };
  return { fetch, calls };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

export function answered(content: string, usage?: unknown): Response {
  return Response.json({ choices: [{ message: { content }, finish_reason: 'stop' }], usage });
}

export function status(code: number, body = '', headers: Record<string, string> = {}): Response {
  return new Response(body, { status: code, headers });
}
