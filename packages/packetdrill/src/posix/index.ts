export type * from './posix.ts'
