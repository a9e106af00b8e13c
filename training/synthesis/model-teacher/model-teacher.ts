/**
 * A teacher that is a model: it writes questions, judges them, and completes any conversation. Where it runs, at a
 * server or in this process, is its `CompletionSource`; what it has said is in a journal, so that the same request
 * always has the same reply and none is paid for twice.
 */
import type { ChatMessage } from '../../../shared/lm/chat-template.js';
import type { Judge, QuestionTeacher } from '../question-teacher.js';

export interface CompletionRequest {
  messages: readonly ChatMessage[];
  /** 0: the likeliest token. */
  temperature: number;
  topP: number;
  /** Tokens it may write at most. */
  maxNewTokens: number;
  /** Another seed asks for another reply. */
  seed: number;
}

export interface Completion {
  /** Without the thoughts of models that think aloud. */
  text: string;
  finishReason: 'stop' | 'length';
  usage: CompletionUsage;
}

export interface CompletionUsage {
  promptTokens: number;
  completionTokens: number;
  /** The server did not say: counted by rule of thumb. */
  estimated: boolean;
}

/** Since the teacher was opened, but for `totalCost`. */
export interface TeacherUsage {
  /** Sent, the repeated ones too. */
  requests: number;
  /** Of these, how many repeated one that had failed. */
  retries: number;
  /** Asked for, and found in the journal. */
  fromJournal: number;
  /** Refused because of what the prompt is: too long, or filtered. */
  refused: number;
  /** Questions and judgements that could not be read, however often they were asked for again. */
  unreadable: number;
  promptTokens: number;
  completionTokens: number;
  /** In the currency of `price`. */
  cost: number;
  /** With what the journal held already: what `price.limit` bounds. */
  totalCost: number;
  /** That requests took, waiting for their turn included; several at once count several times. */
  seconds: number;
}

export interface ModelTeacher {
  /** Name of the model, as configured. */
  readonly name: string;
  readonly questions: QuestionTeacher;
  readonly judge: Judge;
  /**
   * @throws HaetaeError TEACHER_UNAVAILABLE after all attempts; TEACHER_REFUSED, see `isRefusalOfPrompt`;
   * TEACHER_BUDGET; CONFIG_INVALID where the request alone is more than a limit allows. The signal's reason.
   */
  complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion>;
  usage(): TeacherUsage;
  /** Gives up what is under way. Harmless when called twice; closing `questions` does the same. */
  close(): Promise<void>;
}

/** What a model said to a request. */
export interface Reply extends CompletionUsage {
  text: string;
  /** `refused`: it was filtered, and would be again. */
  finishReason: 'stop' | 'length' | 'refused';
  cost: number;
}

/** Where a model runs. */
export interface CompletionSource {
  /** Name of the model, as configured. */
  readonly model: string;
  /** What tells the model from others: part of the journal's keys. */
  readonly identity: string;
  reply(request: CompletionRequest, signal: AbortSignal): Promise<Reply>;
  counts(): { requests: number; retries: number; cost: number };
  close(): Promise<void>;
}
