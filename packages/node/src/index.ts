/**
 * Node's networking interfaces over a stack: sockets as streams, servers, HTTP, datagrams.
 *
 * @example
 * ```ts
 * import http from 'node:http'
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { loopback } from '@stack/link-loopback'
 * import { createHttpServer, StackAgent } from '@stack/node'
 * import { tcp } from '@stack/tcp'
 *
 * const stack = createStack({ plugins: [ipv4(), tcp()] })
 * await stack.addNic(loopback(), { addresses: ['127.0.0.1/8'] })
 * createHttpServer(stack, (_request, response) => response.end('hello')).listen(80)
 * http.get({ host: '127.0.0.1', agent: new StackAgent(stack) }, (response) => {
 *   response.pipe(process.stdout)
 *   response.on('close', () => stack.destroy())
 * })
 * ```
 *
 * @packageDocumentation
 */
export type { SocketAddress } from './address.ts'
export { createSocket, StackDatagramSocket, type DatagramOptions, type RemoteInfo, type UdpStack } from './dgram.ts'
export { createHttpServer, listenOn, StackAgent } from './http.ts'
export type { SendCallback } from './send-arguments.ts'
export { createServer, StackServer, type ServerOptions } from './server.ts'
export { connect, fromConnection, StackSocket, type SocketOptions, type TcpStack } from './socket.ts'
