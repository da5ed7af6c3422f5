// What went wrong with a call, in the venue's words.
import { Code, ConnectError } from '@connectrpc/connect';
import { harmless } from './plain';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_pb';

/** A plain object, fit for the store. */
export interface Problem {
  /** gRPC status code. */
  code: number;
  /** The stable name of the reason, for decisions; empty when the venue did not answer. */
  reason: string;
  /** For people. */
  text: string;
  /** The request's field that was wrong, or empty. */
  field: string;
  /** How long to wait before trying again, in milliseconds; 0 when unknown. */
  retryAfterMs: number;
}

export function problemOf(error: unknown): Problem {
  const e = ConnectError.from(error);
  const info = e.findDetails(ErrorInfoSchema)[0];
  const retry = e.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const field = e.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field;
  return {
    code: e.code,
    reason: info?.reason ?? '',
    text: harmless(e.rawMessage), // It may quote what somebody entered.
    field: field ?? '',
    retryAfterMs: retry ? Number(retry.seconds) * 1000 + retry.nanos / 1e6 : 0,
  };
}

/** Reasons after which it is unknown whether the request was carried out, so that it is sent again. */
const undecided = new Set(['OUTCOME_UNKNOWN', 'DEADLINE', 'INTERNAL', 'DISCONNECTED', 'SHUTDOWN']);

/** Whether the request may have been carried out although there is no answer. */
export function outcomeUnknown(problem: Problem): boolean {
  if (undecided.has(problem.reason)) return true;
  if (problem.reason !== '') return false;
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Internal, Code.Unknown, Code.Aborted].includes(problem.code);
}

/** Whether the session is over, so that only signing in helps. */
export function sessionOver(problem: Problem): boolean {
  return problem.code === Code.Unauthenticated && problem.reason !== 'TOKEN_EXPIRED';
}
