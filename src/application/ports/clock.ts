export interface Clock {
  /** The current time in milliseconds, the precision in which it is stored. */
  now(): Date;
}
