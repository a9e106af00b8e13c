/**
 * Refusals. Some are of the request's prompt (too long, filtered, or what was asked for never came): the next one may
 * do. All others (key, model name, parameters) would meet every request.
 */
import { HaetaeError } from '../../../shared/errors.js';

/** Whether another prompt may do where this one was refused: leave it out, and go on. */
export function isRefusalOfPrompt(error: unknown): boolean {
  return error instanceof HaetaeError && error.code === 'TEACHER_REFUSED' && error.data.ofPrompt === true;
}

export function promptRefused(message: string, options?: ErrorOptions): HaetaeError {
  return new HaetaeError('TEACHER_REFUSED', message, { ofPrompt: true }, options);
}
