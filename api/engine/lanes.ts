/** Requests of like length share a lane, so that long ones do not hold up short ones. */
import type { Op } from './protocol.js';

export type Lane = 'lookups' | 'questions' | 'chats';

export const laneOf: Readonly<Record<Op, Lane>> = {
  // milliseconds
  retrieve: 'lookups',
  embed: 'lookups',
  // milliseconds by evidence, seconds by a student
  answer: 'questions',
  rerank: 'questions',
  // as long as their output
  chat: 'chats',
};

export const laneNames: readonly Lane[] = ['lookups', 'questions', 'chats'];
