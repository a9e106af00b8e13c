/** The program that runs a pipeline, `haetae train run …`: a module, and the flags that node needs for it. */
import { childExecArgv, entryPoint } from '../entry-point.js';

export interface TrainProgram {
  /** Absolute path of the module. */
  path: string;
  execArgv: readonly string[];
}

/** This program's own command line. */
export function ownCommandLine(): TrainProgram {
  return { path: entryPoint(import.meta.url, '../../cli/haetae'), execArgv: childExecArgv() };
}
