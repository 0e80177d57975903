// The log: one JSON object per line on standard output. Secrets and message content are never logged.
import { type Logger, pino } from "pino";
import type { LogLevel } from "./config.ts";

export type { Logger };

export function createLog(level: LogLevel): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}
