export interface Clock {
  /** The present moment, in milliseconds' precision: what a store keeps of a time. */
  now(): Date;
}
