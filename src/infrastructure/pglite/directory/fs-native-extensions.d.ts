declare module "fs-native-extensions" {
  /** Asks the kernel for an exclusive lock on an open file; `false` when another open file description has it. */
  export function tryLock(fileDescriptor: number): boolean;
}
