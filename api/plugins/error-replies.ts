/** The one place that answers with an error: thrown, not found, method not allowed, or not even HTTP. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { type Problem, problemMediaType, problemOf } from '../problem.js';
import { isProbe } from './access-log.js';

/** Sends `error` as a problem. */
export function replyWithProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemFor(error, request);
  if (problem.status === 503) reply.header('retry-after', '2');
  return reply
    .code(problem.status)
    .header('x-request-id', request.id)
    .type(problemMediaType)
    .serializer(JSON.stringify)
    .send(problem);
}

/** What `error` is to the client of this request, for whoever sends it; it is logged where it is the server's own. */
export function problemFor(error: unknown, request: FastifyRequest): Problem {
  const problem = problemOf(error, request.id, pathOf(request.url));
  logProblem(error, problem, request);
  return problem;
}

/** Unknown errors with their stack; known ones of the server in a line; the client's own only for debugging. */
function logProblem(error: unknown, { code, status, detail }: Problem, request: FastifyRequest): void {
  if (code === 'INTERNAL') request.log.error({ err: error, code }, 'request failed');
  else if (status >= 500 && !isProbe(request.url))
    request.log.warn({ code, detail: messageOf(error) }, 'request failed');
  else request.log.debug({ code, detail }, 'request refused');
}

/** Throws `NOT_FOUND`, or `METHOD_NOT_ALLOWED` where the path is there. */
export type RefuseRoute = (request: FastifyRequest, reply: FastifyReply) => never;

/** Must run before any route is added, so that it knows which methods each path has. */
export function addErrorReplies(app: App): RefuseRoute {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  const refuse: RefuseRoute = (request, reply) => {
    const path = pathOf(request.url);
    const route = [...methodsOf.keys()].find((pattern) => isAt(path, pattern));
    const methods = methodsOf.get(route ?? '');
    if (methods === undefined) {
      throw new HaetaeError('NOT_FOUND', `There is nothing at ${path}. See /docs for what there is.`);
    }
    const allowed = [...methods].sort().join(', ');
    reply.header('allow', allowed);
    throw new HaetaeError(
      'METHOD_NOT_ALLOWED',
      `${path} does not take ${request.method}; it takes ${allowed}.`,
    );
  };
  app.setErrorHandler(replyWithProblem);
  app.setNotFoundHandler(refuse);
  return refuse;
}

/** Whether `path` is one of `pattern`, in which `:name` stands for one segment. */
function isAt(path: string, pattern: string): boolean {
  const segments = pattern.split('/');
  const given = path.split('/');
  return (
    segments.length === given.length &&
    segments.every((segment, i) => (segment.startsWith(':') ? given[i] !== '' : segment === given[i]))
  );
}

/** For bytes that Node's HTTP parser refuses: there is no request yet, so the reply is written by hand. */
export function replyToBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(brokenHttp(error.code), '', '');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: ${problemMediaType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function brokenHttp(code: string | undefined): HaetaeError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HaetaeError('REQUEST_TOO_LARGE', 'The headers of the request are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HaetaeError('REQUEST_TIMEOUT', 'The request did not arrive whole in time. Send it again.');
    default:
      return new HaetaeError('REQUEST_INVALID', 'What came is not a valid HTTP/1.1 request.');
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/u);
  return end === -1 ? url : url.slice(0, end);
}
