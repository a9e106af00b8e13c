/** The program that the supervisor forks: an engine process on the real runtime. */
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { runEngine } from './run-engine.js';

runEngine(loadRuntime);
