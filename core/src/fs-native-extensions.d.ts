declare module 'fs-native-extensions' {
  /** Whether the open file was locked; false if another open file has the lock. */
  export function tryLock(fd: number): boolean;
  export function unlock(fd: number): void;
}
