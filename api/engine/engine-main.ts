/**
 * The program that the supervisor forks: an engine process on the real runtime.
 *
 * It says that it is ready only when the bundle has proven itself: one that is damaged, or cannot answer, is refused
 * while the old engine still serves, and the first user does not pay for code that was never run.
 */
import { loadProvenRuntime } from '../../shared/bundle/load-proven.js';
import { runEngine } from './run-engine.js';

runEngine(loadProvenRuntime);
