/** What users of the package see, one subject a file. */
export type * from './api/endpoint.ts'
export type * from './api/trace.ts'
export type * from './api/options.ts'
export type * from './api/info.ts'
export type * from './api/connection.ts'
export type * from './api/listener.ts'
export type * from './api/forwarder.ts'
export type * from './api/tcp.ts'
