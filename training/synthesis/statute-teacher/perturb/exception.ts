/** An exception ignored: `C의 경우에는 그러하지 아니하다` → `C의 경우에도 B하여야 한다`. */
import type { Exception } from '../extract/exceptions.js';
import type { Falsehood } from './falsehood.js';

export function ignoreException(exception: Exception): Falsehood {
  const { article, chunkIds, printed, applied, ignored, condition } = exception;
  return {
    text: ignored,
    perturbation: 'exception',
    from: `${condition}에는`,
    to: `${condition}에도`,
    original: applied,
    article,
    chunkIds,
    printed,
  };
}
